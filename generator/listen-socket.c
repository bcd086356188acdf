// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sockets at a path that helpers listen on for the VMM, which makes none. */
#include "generator/listen-socket.h"

#include "generator/run-dir.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG 8

int listen_socket_make(const char *path, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_close_ int dir_fd = -EBADF, fd = -EBADF;
    const char *name;
    mode_t mask;
    int r;

    dir_fd = run_dir_open_parent(path, &name);
    if (dir_fd < 0)
        return dir_fd;
    if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir_fd,
                         name) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
        return -errno;
    fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    mask = umask(0177);
    r = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    (void)umask(mask);
    if (r < 0)
        return r;
    return listen(fd, BACKLOG) < 0 ? -errno : TAKE_FD(fd);
}
