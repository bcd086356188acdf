/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes a directory away with all that it has. */
#include "tools/kernel/remove-tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

static int remove_at(int dir_fd, const char *name, unsigned depth);

static int remove_entries(DIR *dir, unsigned depth)
{
    const struct dirent *entry;
    int r = 0;

    while (r >= 0 && (errno = 0, entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = remove_at(dirfd(dir), entry->d_name, depth + 1);
    return r < 0 ? r : -errno;
}

static int remove_at(int dir_fd, const char *name, unsigned depth)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;
    DIR *dir;

    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    dir = depth < DEPTH_MAX ? fdopendir(fd) : NULL;
    if (!dir) {
        r = depth < DEPTH_MAX ? -errno : -ELOOP;
        (void)close_fd(fd);
        return r;
    }
    r = remove_entries(dir, depth);
    (void)closedir(dir);
    if (r < 0)
        return r;
    return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int remove_tree(int dir_fd, const char *name)
{
    return remove_at(dir_fd, name, 0);
}
