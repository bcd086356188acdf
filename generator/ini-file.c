/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file that may be anything, read whole: never blocks, never takes much memory. */
#include "generator/ini-file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const char *why_not_regular(mode_t mode)
{
    if (S_ISDIR(mode))
        return "is a directory; it must be a regular file";
    if (S_ISFIFO(mode))
        return "is a FIFO; it must be a regular file";
    if (S_ISSOCK(mode))
        return "is a socket; it must be a regular file";
    return "is a device; it must be a regular file";
}

static const char *why_not_opened(int error)
{
    switch (error) {
    case ENOENT:
        return "does not exist, or is a link to nothing";
    case ELOOP:
        return "is a link that leads round in circles";
    case EACCES:
    case EPERM:
        return "cannot be read: permission denied";
    default:
        return "cannot be read: input/output error";
    }
}

static int read_all(int fd, char *text, size_t size, size_t *ret_size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = read(fd, text + done, size - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *ret_size = done;
    return 0;
}

int ini_file_load(int dir_fd, const char *name, size_t max, char **ret_text, size_t *ret_size,
                  const char **ret_why)
{
    _cleanup_close_ int fd = -EBADF;
    _cleanup_free_ char *text = NULL;
    struct stat st;
    int r;

    /* Look first: opening alone does things to some devices. */
    if (fstatat(dir_fd, name, &st, 0) < 0) {
        r = -errno;
        *ret_why = why_not_opened(-r);
        return r;
    }
    if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
        return 0;
    if (!S_ISREG(st.st_mode)) {
        *ret_why = why_not_regular(st.st_mode);
        return -EINVAL;
    }
    if (st.st_size == 0)
        return 0;
    if ((uint64_t)st.st_size > max) {
        *ret_why = "is over 1 MiB; nothing of it is read";
        return -EFBIG;
    }
    fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    text = fd >= 0 ? malloc((size_t)st.st_size) : NULL;
    if (fd >= 0 && !text)
        return -ENOMEM;
    r = fd >= 0 ? read_all(fd, text, (size_t)st.st_size, ret_size) : -errno;
    if (r < 0) {
        *ret_why = why_not_opened(-r);
        return r;
    }
    *ret_text = TAKE_PTR(text);
    return 1;
}
