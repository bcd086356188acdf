/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of a kernel that is being made: written, made to last, sealed, and put in the manifest.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "generator/verity.h"
#include "tools/kernel/store.h"
#include "tools/kernel/why.h"

enum {
    CHUNK_SIZE = 1 << 20,
    HOLE_SIZE = 1 << 14, /* what is not written where it is zero */
};

static const char *file_name(enum kernel_file file)
{
    return file == KERNEL_FILES ? KERNEL_MANIFEST : kernel_file_names[file];
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

static bool is_zero(const char *data, size_t size)
{
    return size > 0 && data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

/* Leaves holes where there is nothing but zeros, as in a kernel's .bss: the VMM need not read them,
 * and its guest's memory stays untouched there. */
static int write_sparse(int fd, const char *data, size_t size, off_t offset)
{
    for (size_t done = 0, n; done < size; done += n) {
        n = size - done < HOLE_SIZE ? size - done : HOLE_SIZE;
        if (is_zero(data + done, n))
            continue;
        int r =
            lseek(fd, offset + (off_t)done, SEEK_SET) < 0 ? -errno : write_all(fd, data + done, n);
        if (r < 0)
            return r;
    }
    return 0;
}

static int copy_all(int fd, int from_fd)
{
    _cleanup_free_ char *chunk = malloc(CHUNK_SIZE);
    off_t offset = 0;

    if (!chunk)
        return -ENOMEM;
    for (;;) {
        ssize_t n = pread(from_fd, chunk, CHUNK_SIZE, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return ftruncate(fd, offset) < 0 ? -errno : 0;
        int r = write_sparse(fd, chunk, (size_t)n, offset);
        if (r < 0)
            return r;
        offset += n;
    }
}

/* Where the file system can, what is written is the same for ever: nothing can change a sealed
 * file. */
static void seal(int fd, struct kernel_file_entry *entry)
{
    if (verity_enable(fd) < 0 || verity_measure(fd, entry->verity, sizeof(entry->verity)) < 0)
        entry->verity[0] = '\0';
}

static int describe(int fd, bool sealed, struct kernel_file_entry *ret)
{
    struct kernel_file_entry entry = {.there = true};
    struct stat st;
    int r = sha256_file(fd, entry.sha256);

    if (r < 0)
        return r;
    if (sealed)
        seal(fd, &entry);
    if (fstat(fd, &st) < 0)
        return -errno;
    entry.size = (uint64_t)st.st_size;
    entry.mtime = st.st_mtim;
    *ret = entry;
    return 0;
}

/* Of FROM_FD, or of TEXT where that is none. */
static int make(struct stage *stage, enum kernel_file file, int from_fd, const char *text)
{
    _cleanup_close_ int fd = openat(stage->fd, file_name(file),
                                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r = fd < 0         ? -errno
            : from_fd >= 0 ? copy_all(fd, from_fd)
                           : write_all(fd, text, strlen(text));

    if (r >= 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0))
        r = -errno;
    if (r < 0 || file == KERNEL_FILES)
        return r;
    /* A file that is open for writing cannot be sealed. */
    (void)close_fd(fd);
    fd = openat(stage->fd, file_name(file), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    return describe(fd, file == KERNEL_VMLINUX || file == KERNEL_INITRD,
                    &stage->manifest.files[file]);
}

static int explain(int r, const struct stage *stage, enum kernel_file file, char **ret_why)
{
    return r < 0 ? why(ret_why, r, "cannot write %s of %s to %s: %s", file_name(file), stage->name,
                       VOLT_KERNEL_DIR, strerror(-r))
                 : 0;
}

int stage_copy(struct stage *stage, enum kernel_file file, int from_fd, char **ret_why)
{
    return explain(make(stage, file, from_fd, NULL), stage, file, ret_why);
}

int stage_text(struct stage *stage, enum kernel_file file, const char *text, char **ret_why)
{
    return explain(make(stage, file, -EBADF, text), stage, file, ret_why);
}
