/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A range of a hostile file, and temporary files for what is copied out of it. */
#include "tools/kernel/source.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/kernel/why.h"

enum { COPY_SIZE = 256 << 10 };

int source_open(int fd, const char *name, uint64_t size_max, struct source *ret, char **ret_why)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return why(ret_why, -errno, "%s: cannot look at it: %m", name);
    if (!S_ISREG(st.st_mode))
        return why(ret_why, -EINVAL, "%s: not a regular file", name);
    if ((uint64_t)st.st_size > size_max)
        return why(ret_why, -EFBIG,
                   "%s: %llu MiB are more than the %llu MiB that are read of a file", name,
                   (unsigned long long)st.st_size >> 20, (unsigned long long)size_max >> 20);
    if (st.st_size == 0)
        return why(ret_why, -EBADMSG, "%s: the file is empty", name);
    *ret = (struct source){.fd = fd, .size = (uint64_t)st.st_size, .name = name};
    return 0;
}

bool source_range(const struct source *source, uint64_t offset, uint64_t size, struct source *ret)
{
    if (offset > source->size || size > source->size - offset)
        return false;
    *ret = (struct source){
        .fd = source->fd, .offset = source->offset + offset, .size = size, .name = source->name};
    return true;
}

int source_read(const struct source *source, uint64_t offset, void *ret_data, size_t size)
{
    uint8_t *p = ret_data;

    if (offset > source->size || size > source->size - offset)
        return -EBADMSG;
    offset += source->offset;
    while (size > 0) {
        ssize_t n = pread(source->fd, p, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0) /* it became shorter meanwhile */
            return -EBADMSG;
        p += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

int source_copy(const struct source *source, int *ret_fd, char **ret_why)
{
    _cleanup_free_ uint8_t *buffer = malloc(COPY_SIZE);
    _cleanup_close_ int fd = temporary_file(ret_why);

    if (fd < 0)
        return fd;
    if (!buffer)
        return why(ret_why, -ENOMEM, "Out of memory");
    for (uint64_t done = 0; done < source->size;) {
        size_t n = source->size - done < COPY_SIZE ? (size_t)(source->size - done) : COPY_SIZE;
        int r = source_read(source, done, buffer, n);
        if (r < 0)
            return why(ret_why, r, "%s: cannot read it: %s", source->name, strerror(-r));
        r = temporary_write(fd, buffer, n, ret_why);
        if (r < 0)
            return r;
        done += n;
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int source_text(const struct source *source, char **ret_text, char **ret_why)
{
    _cleanup_free_ char *text = malloc(source->size + 1);

    if (!text)
        return why(ret_why, -ENOMEM, "Out of memory");
    int r = source_read(source, 0, text, source->size);
    if (r < 0)
        return why(ret_why, r, "%s: cannot read it: %s", source->name, strerror(-r));
    text[source->size] = '\0';
    *ret_text = TAKE_PTR(text);
    return 0;
}

const char *temporary_directory(void)
{
    const char *directory = secure_getenv("TMPDIR");

    return directory && directory[0] == '/' ? directory : "/var/tmp";
}

int temporary_file(char **ret_why)
{
    const char *directory = temporary_directory();
    _cleanup_free_ char *path = NULL;

    int fd = open(directory, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        goto opened;
    if (asprintf(&path, "%s/volt-kernel-XXXXXX", directory) < 0) {
        path = NULL;
        return why(ret_why, -ENOMEM, "Out of memory");
    }
    fd =
        mkostemp(path, O_CLOEXEC); /* a file system without O_TMPFILE, such as overlayfs once was */
    if (fd >= 0)
        (void)unlink(path);
opened:
    if (fd < 0)
        return why(ret_why, -errno, "Cannot make a temporary file in %s: %m", directory);
    return fd;
}

int temporary_write(int fd, const void *data, size_t size, char **ret_why)
{
    const uint8_t *p = data;

    while (size > 0) {
        ssize_t n = write(fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return why(ret_why, -errno,
                       "Cannot write a temporary file (in $TMPDIR or /var/tmp): %m");
        p += n;
        size -= (size_t)n;
    }
    return 0;
}
