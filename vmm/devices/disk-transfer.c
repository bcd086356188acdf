/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done to an image: whole transfers, flushes, holes. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/devices/disk-image.h"

enum { ZERO_PAGE = 4096, ZERO_PAGES = 256 };

bool disk_image_covers(const struct disk_image *image, uint64_t sector, uint64_t length)
{
    uint64_t sectors = length >> DISK_SECTOR_SHIFT;
    uint32_t sectors_per_block = image->block_size >> DISK_SECTOR_SHIFT;

    return length % image->block_size == 0 && sector % sectors_per_block == 0 &&
           sectors <= image->sectors && sector <= image->sectors - sectors;
}

/* Forgets the first DONE bytes. */
static void advance(struct iovec **iov, unsigned *n, size_t done)
{
    while (*n > 0 && done >= (*iov)->iov_len) {
        done -= (*iov)->iov_len;
        (*iov)++;
        (*n)--;
    }
    if (*n > 0) {
        (*iov)->iov_base = (uint8_t *)(*iov)->iov_base + done;
        (*iov)->iov_len -= done;
    }
}

/* The kernel may do less than it is asked for; what is left is asked for again. */
static int transfer(const struct disk_image *image, bool write, struct iovec *iov, unsigned n,
                    uint64_t offset)
{
    while (n > 0) {
        ssize_t done = write ? pwritev(image->fd, iov, (int)n, (off_t)offset)
                             : preadv(image->fd, iov, (int)n, (off_t)offset);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? -errno : -EIO;
        offset += (uint64_t)done;
        advance(&iov, &n, (size_t)done);
    }
    return 0;
}

static bool is_aligned(const struct disk_image *image, const struct iovec *iov, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (((uintptr_t)iov[i].iov_base | iov[i].iov_len) & (image->block_size - 1))
            return false;
    return true;
}

/* Copies SIZE bytes between BOUNCE and the front of the buffers, which are then used up. */
static void copy(bool to_bounce, struct iovec **iov, unsigned *n, uint8_t *bounce, size_t size)
{
    while (size > 0) {
        size_t part = (*iov)->iov_len < size ? (*iov)->iov_len : size;

        if (to_bounce)
            memcpy(bounce, (*iov)->iov_base, part);
        else
            memcpy((*iov)->iov_base, bounce, part);
        bounce += part;
        size -= part;
        advance(iov, n, part);
    }
}

/* The sum is whole blocks, the buffers are not. */
static int transfer_bounced(const struct disk_image *image, bool write, struct iovec *iov,
                            unsigned n, uint64_t offset, uint8_t *bounce)
{
    uint64_t left = 0;
    int r = 0;

    for (unsigned i = 0; i < n; i++)
        left += iov[i].iov_len;
    while (left > 0 && r >= 0) {
        size_t size = left < DISK_BOUNCE_SIZE ? (size_t)left : DISK_BOUNCE_SIZE;
        struct iovec whole = {.iov_base = bounce, .iov_len = size};

        if (write)
            copy(true, &iov, &n, bounce, size);
        r = transfer(image, write, &whole, 1, offset);
        if (r >= 0 && !write)
            copy(false, &iov, &n, bounce, size);
        offset += size;
        left -= size;
    }
    return r;
}

static int transfer_any(const struct disk_image *image, bool write, struct iovec *iov, unsigned n,
                        uint64_t offset, uint8_t *bounce)
{
    if (image->direct && !is_aligned(image, iov, n))
        return transfer_bounced(image, write, iov, n, offset, bounce);
    return transfer(image, write, iov, n, offset);
}

int disk_image_read(const struct disk_image *image, struct iovec *iov, unsigned n, uint64_t offset,
                    uint8_t *bounce)
{
    return transfer_any(image, false, iov, n, offset, bounce);
}

int disk_image_write(const struct disk_image *image, struct iovec *iov, unsigned n, uint64_t offset,
                     uint8_t *bounce)
{
    return transfer_any(image, true, iov, n, offset, bounce);
}

int disk_image_flush(const struct disk_image *image)
{
    int r;

    do
        r = fdatasync(image->fd) < 0 ? -errno : 0;
    while (r == -EINTR);
    return r;
}

static int allocate(const struct disk_image *image, int mode, uint64_t offset, uint64_t length)
{
    int r;

    do
        r = fallocate(image->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length) < 0
                ? -errno
                : 0;
    while (r == -EINTR);
    return r;
}

int disk_image_discard(const struct disk_image *image, uint64_t offset, uint64_t length)
{
    uint64_t range[] = {offset, length};

    if (!image->block_device)
        return allocate(image, FALLOC_FL_PUNCH_HOLE, offset, length);
    return ioctl(image->fd, BLKDISCARD, range) < 0 ? -errno : 0;
}

/* For file systems that know of no other way. */
static int write_zeros(const struct disk_image *image, uint64_t offset, uint64_t length)
{
    static const uint8_t zeros[ZERO_PAGE] __attribute__((aligned(ZERO_PAGE))) = {0};
    struct iovec iov[ZERO_PAGES];
    int r = 0;

    while (length > 0 && r >= 0) {
        uint64_t done = 0;
        unsigned n;

        for (n = 0; n < ZERO_PAGES && done < length; n++) {
            size_t part = length - done < ZERO_PAGE ? (size_t)(length - done) : ZERO_PAGE;

            iov[n] = (struct iovec){.iov_base = (void *)zeros, .iov_len = part};
            done += part;
        }
        r = transfer(image, true, iov, n, offset);
        offset += done;
        length -= done;
    }
    return r;
}

int disk_image_zero(const struct disk_image *image, uint64_t offset, uint64_t length, bool unmap)
{
    int r = unmap ? allocate(image, FALLOC_FL_PUNCH_HOLE, offset, length) : -EOPNOTSUPP;

    if (r == -EOPNOTSUPP)
        r = allocate(image, FALLOC_FL_ZERO_RANGE, offset, length);
    return r == -EOPNOTSUPP ? write_zeros(image, offset, length) : r;
}
