/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recognises a kernel image, and reads files into guest memory. */
#include "vmm/boot/kernel.h"

#include <elf.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "vmm/kvm/memory.h"
#include "vmm/log.h"

/* Where a bzImage says "HdrS" (Documentation/arch/x86/boot.rst). */
enum { BZIMAGE_MAGIC_OFFSET = 0x202, PAGE = 4096 };

int kernel_read(int fd, void *ret_data, size_t length, uint64_t offset)
{
    uint8_t *p = ret_data;

    if (length > INT64_MAX || offset > INT64_MAX - length) /* no file is that long */
        return -EIO;
    while (length > 0) {
        ssize_t n = pread(fd, p, length, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        p += n;
        offset += (uint64_t)n;
        length -= (size_t)n;
    }
    return 0;
}

/*
 * From file to file, without a fault for each page of the mapping. The bytes that could be copied
 * so: reserved huge pages cannot be written to, not every file can be read so, and a mapped file
 * lies before the memfd.
 */
static uint64_t copy_to_memfd(int fd, const struct guest_memory *memory, uint64_t place,
                              uint64_t length, uint64_t offset)
{
    off_t from = (off_t)offset;
    uint64_t copied = 0;

    if (memory->fd < 0 || guest_memory_is_reserved(memory) || offset > INT64_MAX ||
        (place < memory->file_end && place + length > memory->file_begin) ||
        lseek(memory->fd, (off_t)place, SEEK_SET) < 0)
        return 0;
    while (copied < length) {
        ssize_t n = sendfile(memory->fd, fd, &from, length - copied);
        if (n <= 0)
            break;
        copied += (uint64_t)n;
    }
    return copied;
}

int kernel_read_guest(int fd, const struct guest_memory *memory, uint64_t gpa, uint64_t length,
                      uint64_t offset)
{
    uint8_t *p = guest_memory_at(memory, gpa, length);

    if (!p)
        return -EFAULT;
    uint64_t copied = copy_to_memfd(fd, memory, (uint64_t)(p - memory->base), length, offset);
    return kernel_read(fd, p + copied, length - copied, offset + copied);
}

/* Where data begins at or behind OFFSET, and how much of LENGTH it is. A file system that knows of
 * no holes has data everywhere. */
static void find_data(int fd, uint64_t offset, uint64_t length, uint64_t *ret_skip, uint64_t *ret_n)
{
    off_t data = lseek(fd, (off_t)offset, SEEK_DATA), hole;

    if (data < 0)
        data = errno == ENXIO ? INT64_MAX : (off_t)offset;
    *ret_skip = (uint64_t)data - offset;
    if (*ret_skip >= length) {
        *ret_skip = length;
        *ret_n = 0;
        return;
    }
    hole = lseek(fd, data, SEEK_HOLE);
    *ret_n = length - *ret_skip;
    if (hole > data && (uint64_t)(hole - data) < *ret_n)
        *ret_n = (uint64_t)(hole - data);
}

int kernel_read_guest_data(int fd, const struct guest_memory *memory, uint64_t gpa, uint64_t length,
                           uint64_t offset)
{
    struct stat st;

    if (length == 0)
        return 0;
    if (!guest_memory_at(memory, gpa, length))
        return -EFAULT;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (offset > (uint64_t)st.st_size || length > (uint64_t)st.st_size - offset)
        return -EIO;
    while (length > 0) {
        uint64_t skip, n;

        find_data(fd, offset, length, &skip, &n);
        int r = kernel_read_guest(fd, memory, gpa + skip, n, offset + skip);
        if (r < 0)
            return r;
        gpa += skip + n;
        offset += skip + n;
        length -= skip + n;
    }
    return 0;
}

int kernel_map_guest_data(int fd, struct guest_memory *memory, uint64_t gpa, uint64_t length,
                          uint64_t offset)
{
    uint64_t before = -gpa % PAGE < length ? -gpa % PAGE : length;
    uint64_t whole = (length - before) / PAGE * PAGE, after = length - before - whole;
    struct stat st;

    if (whole == 0 || gpa % PAGE != offset % PAGE || guest_memory_is_reserved(memory))
        return kernel_read_guest_data(fd, memory, gpa, length, offset);
    if (fstat(fd, &st) < 0)
        return -errno;
    if (offset > (uint64_t)st.st_size || length > (uint64_t)st.st_size - offset)
        return -EIO;
    int r = guest_memory_map_file(memory, gpa + before, whole, fd, offset + before);
    if (r >= 0)
        r = kernel_read_guest_data(fd, memory, gpa, before, offset);
    if (r >= 0)
        r = kernel_read_guest_data(fd, memory, gpa + before + whole, after,
                                   offset + before + whole);
    return r;
}

int kernel_load(int fd, bool map, struct guest_memory *memory, struct kernel *ret)
{
    uint8_t start[BZIMAGE_MAGIC_OFFSET + 4];

    int r = kernel_read(fd, start, sizeof(start), 0);
    if (r == -EIO)
        return log_errno(-ENOEXEC, "The kernel image is too short to be a kernel");
    if (r < 0)
        return log_errno(r, "Cannot read the kernel image: %s", strerror(-r));

    if (memcmp(start, ELFMAG, SELFMAG) == 0)
        return elf_load(fd, map, memory, ret);
    if (memcmp(start + BZIMAGE_MAGIC_OFFSET, "HdrS", 4) == 0)
        return bzimage_load(fd, memory, ret);
    return log_errno(-ENOEXEC, "The kernel image is neither an ELF vmlinux nor a bzImage");
}
