// SPDX-License-Identifier: LGPL-2.1-or-later
/* A VM's address for sockets with the host, its CID. */
#include "generator/vsock-cid.h"

#include "generator/nic.h"
#include "generator/run-dir.h"
#include "generator/run-file.h"
#include "generator/vm-name.h"

#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/vm_sockets.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

/* Small ones are for people. */
#define AUTO_MIN 0x10000u
#define AUTO_MAX 0x7fffffffu
#define ATTEMPTS 64u
/* systemd closes stored fds on a thread of its own, some time after the barrier. */
#define RELEASE_MS 3000
#define PAUSE_MS   50
#define BACKLOG    16

static int parse_cid(const char *text, uint32_t *ret)
{
    unsigned cid;
    int r;

    if (!strcmp(text, "auto")) {
        *ret = 0;
        return 0;
    }
    r = number_parse(text, VSOCK_CID_MIN, VSOCK_CID_MAX, &cid);
    if (r < 0)
        return -EINVAL;
    *ret = cid;
    return 0;
}

int vsock_request_parse(const char *text, struct vsock_request *ret)
{
    _cleanup_free_ char *copy = strdup(text);
    struct vsock_request request = {0};
    bool has_cid = false;
    char *rest = copy, *word;

    if (!copy)
        return -ENOMEM;
    while ((word = strsep(&rest, ","))) {
        if (!strncmp(word, "uuid=", 5) && uuid_is_valid(word + 5))
            memcpy(request.uuid, word + 5, sizeof(request.uuid));
        else if (!strncmp(word, "cid=", 4) && parse_cid(word + 4, &request.cid) == 0)
            has_cid = true;
        else if (!strcmp(word, "notify"))
            request.notify = true;
        else
            return -EINVAL;
    }
    if (!has_cid || !request.uuid[0])
        return -EINVAL;
    *ret = request;
    return 0;
}

uint32_t vsock_derive_cid(const char *uuid, unsigned attempt)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

    for (; *uuid; uuid++)
        hash = (hash ^ (uint8_t)*uuid) * UINT64_C(0x100000001b3);
    hash = (hash ^ attempt) * UINT64_C(0x100000001b3);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 33;
    return AUTO_MIN + (uint32_t)(hash % (AUTO_MAX - AUTO_MIN + 1));
}

#define CID_TEXT_SIZE sizeof("4294967295")

static const char *cid_text(uint32_t cid, char buffer[CID_TEXT_SIZE])
{
    (void)snprintf(buffer, CID_TEXT_SIZE, "%u", cid);
    return buffer;
}

/* It may be a link, to a larger disk, say. */
static int open_state(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return run_dir_open(dir, true);
    return fd < 0 ? -errno : fd;
}

/* Who had CID last. What makes no sense, as a crash may leave it, is nobody's. */
static bool read_owner(int dir_fd, uint32_t cid, char uuid[37])
{
    _cleanup_close_ int fd = -EBADF;
    char name[CID_TEXT_SIZE], text[64];
    ssize_t n;

    fd = openat(dir_fd, cid_text(cid, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n < 0)
        return false;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (!uuid_is_valid(text))
        return false;
    memcpy(uuid, text, 37);
    return true;
}

static int write_owner(int dir_fd, uint32_t cid, const char *uuid)
{
    char name[CID_TEXT_SIZE], text[64];

    (void)snprintf(text, sizeof(text), "%s\n", uuid);
    if (run_file_equals(dir_fd, cid_text(cid, name), text))
        return 0;
    return run_file_write(dir_fd, name, text);
}

static int set_cid(int fd, uint32_t cid)
{
    uint64_t value = cid;

    return ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &value) < 0 ? -errno : 0;
}

/* Waits for what the VM's last life still holds. */
static int set_own_cid(int fd, uint32_t cid)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    int r = set_cid(fd, cid);

    for (unsigned waited = 0; r == -EADDRINUSE && waited < RELEASE_MS; waited += PAUSE_MS) {
        (void)nanosleep(&pause, NULL);
        r = set_cid(fd, cid);
    }
    return r;
}

/* That which the VM had last; else the first that is nobody's. */
static int take_any(int fd, int dir_fd, const char *uuid, uint32_t *ret_cid)
{
    char owner[37];
    int r = -EADDRINUSE;

    for (unsigned i = 0; i < ATTEMPTS && r == -EADDRINUSE; i++) {
        *ret_cid = vsock_derive_cid(uuid, i);
        if (read_owner(dir_fd, *ret_cid, owner) && !strcasecmp(owner, uuid))
            r = set_own_cid(fd, *ret_cid);
    }
    for (unsigned i = 0; i < ATTEMPTS && r == -EADDRINUSE; i++) {
        *ret_cid = vsock_derive_cid(uuid, i);
        if (!read_owner(dir_fd, *ret_cid, owner))
            r = set_cid(fd, *ret_cid);
    }
    return r;
}

static void explain_taken(int dir_fd, const struct vsock_request *request, char **ret_why)
{
    char owner[37], label[VM_LABEL_SIZE];
    bool known = read_owner(dir_fd, request->cid, owner) && strcasecmp(owner, request->uuid) != 0;

    if (asprintf(ret_why, "vsock: CID %u is in use by %s; choose another one with cid=, or auto",
                 request->cid,
                 known ? vm_label(VM_GENERATOR_DIR, owner, label)
                       : "something that is no VM of Volt's") < 0)
        *ret_why = NULL;
}

int vsock_take_cid(int fd, const struct vsock_request *request, const char *dir, uint32_t *ret_cid,
                   char **ret_why)
{
    _cleanup_close_ int dir_fd = open_state(dir);
    uint32_t cid = request->cid;
    int r;

    *ret_why = NULL;
    if (dir_fd < 0) {
        if (asprintf(ret_why, "vsock: cannot open %s: %s", dir, strerror(-dir_fd)) < 0)
            *ret_why = NULL;
        return TAKE_FD(dir_fd);
    }
    r = cid > 0 ? set_own_cid(fd, cid) : take_any(fd, dir_fd, request->uuid, &cid);
    if (r == -EADDRINUSE && request->cid > 0) {
        explain_taken(dir_fd, request, ret_why);
        return r;
    }
    if (r >= 0)
        r = write_owner(dir_fd, cid, request->uuid);
    if (r < 0) {
        if (asprintf(ret_why, "vsock: cannot take CID %u: %s", cid, strerror(-r)) < 0)
            *ret_why = NULL;
        return r;
    }
    *ret_cid = cid;
    return 0;
}

int vsock_listen(void)
{
    const struct sockaddr_vm address = {
        .svm_family = AF_VSOCK, .svm_port = VMADDR_PORT_ANY, .svm_cid = VMADDR_CID_HOST};
    _cleanup_close_ int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, BACKLOG) < 0)
        return -errno;
    return TAKE_FD(fd);
}
