/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Handed-over descriptors. The protocol is three environment variables; libsystemd would add a
 * megabyte of resident libraries to each VM for them.
 */
#include "vmm/fd-store.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "vmm/log.h"

static int read_number(const char *variable, long max, long *ret)
{
    const char *text = getenv(variable);
    char *end;

    if (!text)
        return -ENOENT;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 0 || value > max)
        return log_errno(-EINVAL, "%s=%s makes no sense", variable, text);
    *ret = value;
    return 0;
}

static int add_entry(struct fd_store *store, const char *name, int fd)
{
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return log_errno(-errno, "The handed-over descriptor '%s' is not open", name);
    for (unsigned i = 0; i < store->n; i++)
        if (strcmp(store->entries[i].name, name) == 0)
            return log_errno(-EEXIST, "Two file descriptors called '%s' were handed over", name);
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    store->entries[store->n].name = copy;
    store->entries[store->n++].fd = fd;
    return 0;
}

static int collect(struct fd_store *store)
{
    long pid, n;
    int r = read_number("LISTEN_PID", INT32_MAX, &pid);

    if (r == -ENOENT || (r == 0 && pid != getpid()))
        return 0;
    if (r == 0)
        r = read_number("LISTEN_FDS", FD_STORE_MAX, &n);
    if (r < 0)
        return r == -ENOENT ? 0 : r;

    const char *announced = getenv("LISTEN_FDNAMES");
    _cleanup_free_ char *names = strdup(announced ? announced : "");
    if (!names)
        return -ENOMEM;
    char *rest = names;
    for (int i = 0; i < n; i++) {
        const char *name = strsep(&rest, ":");
        if (!name || name[0] == '\0')
            return log_errno(-EINVAL, "Descriptor %d was handed over without a name", i);
        r = add_entry(store, name, FD_STORE_START + i);
        if (r < 0)
            return r;
    }
    return 0;
}

int fd_store_init(struct fd_store *store)
{
    memset(store, 0, sizeof(*store));
    int r = collect(store);

    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return r;
}

void fd_store_done(struct fd_store *store)
{
    for (unsigned i = 0; i < store->n; i++) {
        free(store->entries[i].name);
        store->entries[i].fd = close_fd(store->entries[i].fd);
    }
    store->n = 0;
}

int fd_store_take(struct fd_store *store, const char *name)
{
    for (unsigned i = 0; i < store->n; i++)
        if (store->entries[i].fd >= 0 && strcmp(store->entries[i].name, name) == 0)
            return TAKE_FD(store->entries[i].fd);
    return log_errno(-ENOENT, "No file descriptor called '%s' was handed over", name);
}

bool fd_store_has(const struct fd_store *store, const char *name)
{
    for (unsigned i = 0; i < store->n; i++)
        if (store->entries[i].fd >= 0 && strcmp(store->entries[i].name, name) == 0)
            return true;
    return false;
}

int fd_store_open(struct fd_store *store, const char *specification, int flags, const char *what)
{
    if (strncmp(specification, "fd:", 3) == 0)
        return fd_store_take(store, specification + 3);
    int fd = open(specification, flags | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return log_errno(-errno, "Cannot open the %s '%s': %m", what, specification);
    return fd;
}

static const char *name_of_type(mode_t mode)
{
    return S_ISDIR(mode)                    ? "a directory"
           : S_ISFIFO(mode)                 ? "a FIFO"
           : S_ISSOCK(mode)                 ? "a socket"
           : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
                                            : "something else";
}

int fd_store_open_image(struct fd_store *store, const char *specification, const char *what)
{
    /* A FIFO would have us wait for somebody who writes to it. */
    _cleanup_close_ int fd = fd_store_open(store, specification, O_RDONLY | O_NONBLOCK, what);
    struct stat st;

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return log_errno(-errno, "Cannot look at the %s '%s': %m", what, specification);
    if (!S_ISREG(st.st_mode))
        return log_errno(-EINVAL, "The %s '%s' is %s, not a regular file", what, specification,
                         name_of_type(st.st_mode));
    if (st.st_size == 0)
        return log_errno(-EINVAL, "The %s '%s' is empty", what, specification);
    return TAKE_FD(fd);
}

int fd_listening_type(int fd)
{
    int type, listens;
    socklen_t size = sizeof(type);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
        return -errno;
    size = sizeof(listens);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0)
        return -errno;
    return listens ? type : -ENOTCONN;
}

static int check_listens(int fd, int type)
{
    int actual = fd_listening_type(fd), flags = fcntl(fd, F_GETFL);

    if (actual < 0)
        return actual;
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return actual == type ? 0 : -ENOTCONN;
}

static int listen_at(const char *path, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    _cleanup_close_ int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        (void)unlink(path);
    mode_t mask = umask(0177);
    int r = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    int saved = errno;
    (void)umask(mask);
    if (r < 0)
        return -saved;
    return listen(fd, 8) < 0 ? -errno : TAKE_FD(fd);
}

int fd_store_listen(struct fd_store *store, const char *specification, int type, const char *what)
{
    bool stored = strncmp(specification, "fd:", 3) == 0;
    _cleanup_close_ int fd =
        stored ? fd_store_take(store, specification + 3) : listen_at(specification, type);

    int r = fd < 0 ? fd : check_listens(fd, type);
    if (r < 0 && !(stored && fd < 0))
        log_error("Cannot listen on the %s '%s': %s", what, specification, strerror(-r));
    return r < 0 ? r : TAKE_FD(fd);
}

int fd_store_check_empty(const struct fd_store *store)
{
    int r = 0;

    for (unsigned i = 0; i < store->n; i++)
        if (store->entries[i].fd >= 0)
            r = log_errno(-EINVAL,
                          "A file descriptor called '%s' was handed over, but no option names it",
                          store->entries[i].name);
    return r;
}
