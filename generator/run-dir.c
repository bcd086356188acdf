// SPDX-License-Identifier: LGPL-2.1-or-later
/* Directories below /run that privileged helpers write to. */
#include "generator/run-dir.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int open_step(int parent, const char *name, bool create)
{
    int fd = openat(parent, name, DIR_FLAGS);
    bool made;

    if (fd >= 0)
        return fd;
    if (errno != ENOENT || !create)
        return -errno;
    made = mkdirat(parent, name, 0755) == 0;
    if (!made && errno != EEXIST)
        return -errno;
    fd = openat(parent, name, DIR_FLAGS);
    if (fd < 0)
        return -errno;
    /* The unit's UMask= took bits away that networkd, which is not root, needs. */
    if (made && fchmod(fd, 0755) < 0) {
        int r = -errno;

        (void)close(fd);
        return r;
    }
    return fd;
}

int run_dir_open(const char *path, bool create)
{
    _cleanup_free_ char *copy = strdup(path);
    _cleanup_close_ int fd = -EBADF;
    char *rest = copy, *name;

    if (!copy)
        return -ENOMEM;
    fd = open("/", DIR_FLAGS);
    if (fd < 0)
        return -errno;
    while ((name = strsep(&rest, "/"))) {
        int next;

        if (!*name)
            continue;
        next = open_step(fd, name, create);
        if (next < 0)
            return next;
        (void)close_fd(fd);
        fd = next;
    }
    return TAKE_FD(fd);
}

int run_dir_open_parent(const char *path, const char **ret_name)
{
    const char *name = strrchr(path, '/');
    char dir[PATH_MAX];
    int fd;

    if (!name || !name[1] || (size_t)(name - path) >= sizeof(dir))
        return -EINVAL;
    (void)snprintf(dir, sizeof(dir), "%.*s", (int)(name - path), path);
    fd = run_dir_open(dir, true);
    if (fd >= 0)
        *ret_name = name + 1;
    return fd;
}
