// SPDX-License-Identifier: LGPL-2.1-or-later
/* One file that volt-open opens for the VMM: the name in the fd store, the path, and what it must
 * be. */
#include "generator/open-file.h"

#include "generator/file-lock.h"
#include "generator/helper-log.h"
#include "generator/kernel-store.h"
#include "generator/listen-socket.h"
#include "generator/nic.h"
#include "generator/run-file.h"
#include "generator/vsock-cid.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

/* A dead VM's I/O comes to its end meanwhile. */
enum { REMAINS_TRIES = 60, REMAINS_WAIT_USEC = 50000 };

#define VHOST "vhost."

struct kind {
    const char *name; /* whole, or up to the '.' */
    bool has_id;
    bool regular, block, character; /* what it may be */
    bool not_empty;
    bool socket; /* it is made, and listened on */
    bool create; /* it is made, and written to */
    bool lock;   /* one writer or several readers */
    const char *expected;
    const char *missing; /* what to do when there is no such file */
};

static const struct kind kinds[] = {
    {
        .name = "kvm",
        .character = true,
        .expected = "the KVM device",
        .missing = "load the module with `modprobe kvm_intel` or `modprobe kvm_amd`; if that "
                   "fails, turn virtualisation on in the firmware, or nested virtualisation on "
                   "the machine around this one",
    },
    {
        .name = "kernel",
        .regular = true,
        .not_empty = true,
        .expected = "a kernel image",
        .missing = "see kernel= in the VM's file",
    },
    {
        .name = "initrd",
        .regular = true,
        .not_empty = true,
        .expected = "an initial RAM disk",
        .missing = "see initrd= in the VM's file",
    },
    {
        .name = "disk.",
        .has_id = true,
        .regular = true,
        .block = true,
        .lock = true,
        .expected = "a disk image or a block device",
        .missing = "see path= in the VM's file",
    },
    {
        .name = "control",
        .socket = true,
    },
    {
        .name = "balloon-statistics",
        .create = true,
    },
    {
        .name = VHOST,
        .has_id = true,
        .character = true,
        .expected = "the vhost-net device",
        .missing = "load the module with `modprobe vhost_net`",
    },
    {
        .name = VSOCK_FDNAME,
        .character = true,
        .expected = "the vhost-vsock device",
        .missing = "load the module with `modprobe vhost_vsock`",
    },
};

static bool id_is_valid(const char *text)
{
    char id[NIC_ID_SIZE];
    const char *dot = strchr(text, '.');
    size_t length = dot ? (size_t)(dot - text) : strlen(text);
    unsigned queue;

    if (length >= sizeof(id))
        return false;
    (void)snprintf(id, sizeof(id), "%.*s", (int)length, text);
    return nic_id_is_valid(id) && (!dot || number_parse(dot + 1, 0, 999, &queue) == 0);
}

static const struct kind *kind_find(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
        size_t length = strlen(kinds[i].name);

        if (kinds[i].has_id ? !strncmp(name, kinds[i].name, length) && id_is_valid(name + length)
                            : !strcmp(name, kinds[i].name))
            return &kinds[i];
    }
    return NULL;
}

/* Completes *ret. */
static int parse(const char *text, struct open_file *ret)
{
    const char *equals = strchr(text, '=');
    const struct kind *kind;

    if (!equals || (size_t)(equals - text) >= sizeof(ret->name) || equals[1] != '/')
        return -EINVAL;
    (void)snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(equals - text), text);
    kind = kind_find(ret->name);
    if (!kind || kind->socket != ret->listens || kind->create != ret->creates ||
        (ret->optional && strcmp(kind->name, VHOST)))
        return -EINVAL;
    ret->path = equals + 1;
    return 0;
}

int open_file_parse(const char *text, bool writable, bool optional, struct open_file *ret)
{
    *ret = (struct open_file){.writable = writable, .optional = optional};
    return parse(text, ret);
}

int open_file_parse_listen(const char *text, struct open_file *ret)
{
    *ret = (struct open_file){.writable = true, .listens = true};
    return parse(text, ret);
}

int open_file_parse_create(const char *text, struct open_file *ret)
{
    *ret = (struct open_file){.writable = true, .creates = true};
    return parse(text, ret);
}

int open_file_parse_managed(const char *text, struct open_file *ret)
{
    static const char *const names[] = {"kernel=", "initrd="};

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        size_t length = strlen(names[i]);

        if (strncmp(text, names[i], length) || !kernel_name_is_valid(text + length))
            continue;
        *ret = (struct open_file){.managed = true, .path = text + length};
        (void)snprintf(ret->name, sizeof(ret->name), "%.*s", (int)length - 1, names[i]);
        return 0;
    }
    return -EINVAL;
}

/* The id in vhost.ID.QUEUE, as the arguments of "%.*s". */
static int nic_id(const struct open_file *file, const char **ret)
{
    *ret = file->name + strlen(VHOST);
    return (int)strcspn(*ret, ".");
}

bool open_file_same_nic(const struct open_file *a, const struct open_file *b)
{
    const char *first, *second;
    int length;

    if (strncmp(a->name, VHOST, strlen(VHOST)) || strncmp(b->name, VHOST, strlen(VHOST)))
        return false;
    length = nic_id(a, &first);
    return nic_id(b, &second) == length && !strncmp(first, second, (size_t)length);
}

/* The whole sentence about CAUSE. */
static int tell(char **ret_why, const struct open_file *file, const char *cause)
{
    const char *id;
    int length;

    if (!file->optional)
        return asprintf(ret_why, "%s: cannot use %s: %s", file->name, file->path, cause);
    length = nic_id(file, &id);
    return asprintf(ret_why, "%.*s: cannot open %s: %s; falling back to userspace virtio-net",
                    length, id, file->path, cause);
}

static int explain(char **ret_why, int r, const struct open_file *file, const char *format, ...)
    _printf_(4, 5);

static int explain(char **ret_why, int r, const struct open_file *file, const char *format, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    va_end(ap);
    if (!text || tell(ret_why, file, text) < 0)
        *ret_why = NULL;
    return r;
}

static int explain_errno(char **ret_why, int r, const struct open_file *file,
                         const struct kind *kind)
{
    const char *hint = r == -ENOENT || r == -ENXIO || r == -ENODEV ? kind->missing
                       : (r == -EPERM || r == -EACCES) && (kind->character || kind->block)
                           ? "the unit needs DeviceAllow= for it"
                       : r == -EROFS ? "the file system is read-only; readonly = yes may do"
                                     : NULL;

    return explain(ret_why, r, file, "%s%s%s", strerror(-r), hint ? "; " : "", hint ?: "");
}

static int check_kind(const struct open_file *file, const struct kind *kind, int fd, char **ret_why)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return explain_errno(ret_why, -errno, file, kind);
    if (!(kind->regular && S_ISREG(st.st_mode)) && !(kind->block && S_ISBLK(st.st_mode)) &&
        !(kind->character && S_ISCHR(st.st_mode)))
        return explain(ret_why, -EINVAL, file, "it is %s, not %s",
                       S_ISDIR(st.st_mode)   ? "a directory"
                       : S_ISREG(st.st_mode) ? "a regular file"
                       : S_ISCHR(st.st_mode) ? "a character device"
                       : S_ISBLK(st.st_mode) ? "a block device"
                                             : "a special file",
                       kind->expected);
    if (kind->not_empty && S_ISREG(st.st_mode) && st.st_size == 0)
        return explain(ret_why, -EINVAL, file, "it is empty, not %s", kind->expected);
    return 0;
}

/* The device is claimed by somebody, though maybe by no lock. */
static int explain_claimed(const struct open_file *file, int found, char **ret_why)
{
    _cleanup_free_ char *holder = file_lock_holder(found), *mount = NULL;

    if (holder)
        return explain(ret_why, -EBUSY, file, "it is in use by %s", holder);
    mount = file_mount_point(found);
    if (mount)
        return explain(ret_why, -EBUSY, file, "the host has it mounted at %s", mount);
    return explain(ret_why, -EBUSY, file,
                   "the host uses it, or a part of it: a mount, swap, LVM, RAID or a program");
}

/* An io_uring is taken apart a moment after its process has ended, when all that it began is done,
 * and keeps its file until then: in use, by nobody who could be named. */
static bool wait_for_remains(unsigned *tries)
{
    if ((*tries)++ >= REMAINS_TRIES)
        return false;
    (void)usleep(REMAINS_WAIT_USEC);
    return true;
}

static int lock(const struct open_file *file, int fd, char **ret_why)
{
    _cleanup_free_ char *holder = NULL;
    unsigned tries = 0;
    int r;

    do {
        r = file_lock(fd, file->writable);
        if (r == -EBUSY)
            holder = file_lock_holder(fd);
    } while (r == -EBUSY && !holder && wait_for_remains(&tries));
    if (r == -EBUSY)
        return explain(ret_why, r, file,
                       "it is in use by %s; a disk that is written to is one VM's alone, several "
                       "can share it only with readonly = yes",
                       holder ?: "another VM or program");
    if (r < 0)
        helper_log(LOG_WARNING, "%s: cannot lock %s: %s; nothing keeps a second VM from it",
                   file->name, file->path, strerror(-r));
    return 0;
}

/* O_EXCL, without O_CREAT, says something of block devices only: that neither a mount nor any other
 * exclusive user may have it. Readers leave that to the lock: they can be several. */
static int open_flags(const struct open_file *file, const struct kind *kind)
{
    if (!file->writable)
        return O_RDONLY | O_CLOEXEC | O_NOCTTY;
    return O_RDWR | O_CLOEXEC | O_NOCTTY | (kind->block ? O_EXCL : 0);
}

/* Opens what is behind FOUND. -EBUSY only where somebody uses it, and goes on doing so. */
static int open_found(const struct open_file *file, const struct kind *kind, int found)
{
    unsigned tries = 0;
    char self[64];

    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", found);
    for (;;) {
        int fd = open(self, open_flags(file, kind));

        if (fd >= 0)
            return fd;
        if (errno != EBUSY || !kind->block)
            return -errno;
        _cleanup_free_ char *holder = file_lock_holder(found), *mount = file_mount_point(found);
        if (holder || mount || !wait_for_remains(&tries))
            return -EBUSY;
    }
}

int open_file_open(const struct open_file *file, char **ret_why)
{
    const struct kind *kind = kind_find(file->name);
    _cleanup_close_ int found = -EBADF, fd = -EBADF;
    int r;

    if (!kind)
        return explain(ret_why, -EINVAL, file, "no such resource");
    if (file->listens) {
        r = listen_socket_make(file->path, SOCK_SEQPACKET);
        return r < 0 ? explain_errno(ret_why, r, file, kind) : r;
    }
    if (file->creates) {
        r = run_file_create(file->path);
        return r < 0 ? explain_errno(ret_why, r, file, kind) : r;
    }
    found = open(file->path, O_PATH | O_CLOEXEC);
    if (found < 0)
        return explain_errno(ret_why, -errno, file, kind);
    r = check_kind(file, kind, found, ret_why);
    if (r < 0)
        return r;
    fd = open_found(file, kind, found);
    if (fd < 0)
        return fd == -EBUSY && kind->block ? explain_claimed(file, found, ret_why)
                                           : explain_errno(ret_why, fd, file, kind);
    if (kind->lock) {
        r = lock(file, fd, ret_why);
        if (r < 0)
            return r;
    }
    if (!strcmp(kind->name, "kvm") && ioctl(fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
        return explain(ret_why, -EINVAL, file, "it does not speak version %d of the KVM API",
                       KVM_API_VERSION);
    return TAKE_FD(fd);
}
