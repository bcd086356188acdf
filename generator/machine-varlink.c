// SPDX-License-Identifier: LGPL-2.1-or-later
/* io.systemd.Machine, which takes a VM's AF_VSOCK address, too (systemd 256 and newer).
 *
 * One call of the varlink protocol: a JSON object each way, with a NUL behind it. */
#include "generator/machine-varlink.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

enum { MESSAGE_MAX = 4096 };

static int connect_to(const char *path, unsigned timeout_ms)
{
    const struct timeval timeout = {.tv_sec = timeout_ms / 1000,
                                    .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = -EBADF;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return errno == ECONNREFUSED ? -ENOENT : -errno;
    return TAKE_FD(fd);
}

/* The call, whose strings have nothing that JSON would want escaped: a host name, a UUID. */
static int write_call(const struct machine *machine, const char *name, char ret[static MESSAGE_MAX])
{
    char interfaces[MACHINE_INTERFACES_MAX * 12 + 1] = "";
    size_t length = 0;
    int n;

    for (size_t i = 0; i < machine->n_interfaces; i++) {
        n = snprintf(interfaces + length, sizeof(interfaces) - length, "%s%d", i > 0 ? "," : "",
                     machine->interfaces[i]);
        length += n > 0 ? (size_t)n : 0;
    }
    n = snprintf(ret, MESSAGE_MAX,
                 "{\"method\":\"io.systemd.Machine.Register\",\"parameters\":{"
                 "\"name\":\"%s\",\"id\":\"%s\",\"service\":\"volt\",\"class\":\"vm\","
                 "\"leader\":%u,\"ifIndices\":[%s],\"vSockCid\":%u}}",
                 name, machine->uuid, machine->leader, interfaces, machine->cid);
    return n < 0 || n >= MESSAGE_MAX ? -EMSGSIZE : n + 1; /* the NUL is part of it */
}

static int call(int fd, const char *message, size_t size, char ret_reply[static MESSAGE_MAX])
{
    size_t length = 0;
    ssize_t n = send(fd, message, size, MSG_NOSIGNAL);

    if (n < 0)
        return -errno;
    if ((size_t)n != size)
        return -EIO;
    do {
        n = recv(fd, ret_reply + length, MESSAGE_MAX - length, 0);
        if (n < 0 && errno != EINTR)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        if (n == 0 || length == MESSAGE_MAX)
            return -EBADMSG;
        length += n > 0 ? (size_t)n : 0;
    } while (!memchr(ret_reply, '\0', length));
    return 0;
}

int machine_varlink_register(const char *path, const struct machine *machine, const char *name,
                             unsigned timeout_ms)
{
    char message[MESSAGE_MAX], reply[MESSAGE_MAX];
    _cleanup_close_ int fd = connect_to(path, timeout_ms);

    if (fd < 0)
        return fd;
    int size = write_call(machine, name, message);
    int r = size < 0 ? size : call(fd, message, (size_t)size, reply);
    if (r < 0)
        return r;
    if (strstr(reply, "\"io.systemd.Machine.MachineExists\""))
        return -EEXIST;
    return strstr(reply, "\"error\"") || !strstr(reply, "\"parameters\"") ? -EIO : 0;
}
