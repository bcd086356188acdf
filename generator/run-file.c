// SPDX-License-Identifier: LGPL-2.1-or-later
/* Small files that privileged helpers leave for others: whole or not there, readable by all. */
#include "generator/run-file.h"

#include "generator/run-dir.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static int write_all(int fd, const char *text)
{
    size_t length = strlen(text);

    while (length > 0) {
        ssize_t n = write(fd, text, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        length -= (size_t)n;
    }
    return 0;
}

int run_file_write(int dir_fd, const char *name, const char *text)
{
    _cleanup_close_ int fd = -EBADF;
    char temporary[NAME_MAX + 8];
    int r;

    (void)snprintf(temporary, sizeof(temporary), "%s.tmp", name);
    if (unlinkat(dir_fd, temporary, 0) < 0 && errno != ENOENT)
        return -errno;
    fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    /* networkd is not root, and the umask is the unit's. */
    r = fchmod(fd, 0644) < 0 ? -errno : write_all(fd, text);
    if (r >= 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
        r = -errno;
    if (r < 0)
        (void)unlinkat(dir_fd, temporary, 0);
    return r;
}

int run_file_create(const char *path)
{
    _cleanup_close_ int dir_fd = -EBADF, fd = -EBADF;
    const char *name;

    dir_fd = run_dir_open_parent(path, &name);
    if (dir_fd < 0)
        return dir_fd;
    /* Whoever reads an old one goes on with that. */
    if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
        return -errno;
    fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0 || fchmod(fd, 0644) < 0)
        return -errno;
    return TAKE_FD(fd);
}

bool run_file_equals(int dir_fd, const char *name, const char *text)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    size_t length = strlen(text);
    char buffer[4096];
    ssize_t n;

    if (fd < 0 || length >= sizeof(buffer))
        return false;
    n = read(fd, buffer, sizeof(buffer));
    return n >= 0 && (size_t)n == length && !memcmp(buffer, text, length);
}
