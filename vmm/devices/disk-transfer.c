/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Goes on where the host did less than it was asked for, and round what it cannot do. */
#include "vmm/devices/disk-transfer.h"

#include <linux/falloc.h>
#include <string.h>

enum { ZERO_PAGE = 4096 };

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

static bool is_aligned(const struct disk_image *image, const struct iovec *iov, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (((uintptr_t)iov[i].iov_base | iov[i].iov_len) & (image->block_size - 1))
            return false;
    return true;
}

/* Copies SIZE bytes between BOUNCE and the front of the buffers, which are then used up. */
static void copy(struct disk_transfer *transfer, bool to_bounce, size_t size)
{
    uint8_t *bounce = transfer->bounce;

    while (size > 0) {
        struct iovec *iov = transfer->iov;
        size_t part = iov->iov_len < size ? iov->iov_len : size;

        if (to_bounce)
            memcpy(bounce, iov->iov_base, part);
        else
            memcpy(iov->iov_base, bounce, part);
        bounce += part;
        size -= part;
        advance(&transfer->iov, &transfer->n, part);
    }
}

/* The next call moves as many whole buffers as the disk takes at once; one in any case. */
static void fill_call(struct disk_transfer *transfer)
{
    uint32_t most = transfer->image->at_once;
    uint64_t bytes = 0;
    unsigned n = 0;

    while (n < transfer->n && (most == 0 || bytes == 0 || bytes + transfer->iov[n].iov_len <= most))
        bytes += transfer->iov[n++].iov_len;
    transfer->call.iov = transfer->iov;
    transfer->call.n = n;
}

/* The next part of what is left goes by way of the bounce buffer. */
static void fill_bounce(struct disk_transfer *transfer)
{
    size_t size = transfer->left < DISK_BOUNCE_SIZE ? (size_t)transfer->left : DISK_BOUNCE_SIZE;

    transfer->bounced = (struct iovec){.iov_base = transfer->bounce, .iov_len = size};
    if (transfer->call.kind == DISK_CALL_WRITE)
        copy(transfer, true, size);
    transfer->call.iov = &transfer->bounced;
    transfer->call.n = 1;
}

static int begin(struct disk_transfer *transfer, const struct disk_image *image,
                 enum disk_call_kind kind, struct iovec *iov, unsigned n, uint64_t offset,
                 uint8_t *bounce)
{
    uint64_t left = 0;

    for (unsigned i = 0; i < n; i++)
        left += iov[i].iov_len;
    *transfer = (struct disk_transfer){
        .image = image,
        .call = {.kind = kind, .offset = offset},
        .iov = iov,
        .n = n,
        .left = left,
    };
    if (left > 0 && image->direct && !is_aligned(image, iov, n)) {
        transfer->bounce = bounce;
        transfer->call.here = true;
        fill_bounce(transfer);
    } else {
        fill_call(transfer);
    }
    return left > 0;
}

int disk_transfer_read(struct disk_transfer *transfer, const struct disk_image *image,
                       struct iovec *iov, unsigned n, uint64_t offset, uint8_t *bounce)
{
    return begin(transfer, image, DISK_CALL_READ, iov, n, offset, bounce);
}

int disk_transfer_write(struct disk_transfer *transfer, const struct disk_image *image,
                        struct iovec *iov, unsigned n, uint64_t offset, uint8_t *bounce)
{
    return begin(transfer, image, DISK_CALL_WRITE, iov, n, offset, bounce);
}

/* The host may do less than it is asked for; what is left is asked for again. */
static int next_part(struct disk_transfer *transfer, int64_t answer)
{
    struct disk_call *call = &transfer->call;

    if (answer <= 0)
        return answer < 0 ? (int)answer : -EIO;
    call->offset += (uint64_t)answer;
    transfer->left -= (uint64_t)answer;
    if (!transfer->bounce) {
        advance(&transfer->iov, &transfer->n, (size_t)answer);
        fill_call(transfer);
        return transfer->left > 0;
    }
    transfer->bounced.iov_base = (uint8_t *)transfer->bounced.iov_base + answer;
    transfer->bounced.iov_len -= (size_t)answer;
    if (transfer->bounced.iov_len > 0)
        return 1;
    if (call->kind == DISK_CALL_READ)
        copy(transfer, false, (size_t)((uint8_t *)transfer->bounced.iov_base - transfer->bounce));
    if (transfer->left > 0)
        fill_bounce(transfer);
    return transfer->left > 0;
}

int disk_transfer_flush(struct disk_transfer *transfer, const struct disk_image *image)
{
    *transfer = (struct disk_transfer){.image = image, .call.kind = DISK_CALL_FLUSH};
    return 1;
}

static struct disk_call allocation(int mode, uint64_t offset, uint64_t length)
{
    return (struct disk_call){.kind = DISK_CALL_ALLOCATE,
                              .mode = mode | FALLOC_FL_KEEP_SIZE,
                              .offset = offset,
                              .length = length};
}

int disk_transfer_discard(struct disk_transfer *transfer, const struct disk_image *image,
                          uint64_t offset, uint64_t length)
{
    *transfer = (struct disk_transfer){
        .image = image,
        .call = allocation(FALLOC_FL_PUNCH_HOLE, offset, length),
    };
    if (image->block_device) {
        transfer->call.kind = DISK_CALL_DISCARD;
        transfer->call.here = true;
    }
    return length > 0;
}

int disk_transfer_zero(struct disk_transfer *transfer, const struct disk_image *image,
                       uint64_t offset, uint64_t length, bool unmap, struct iovec *scratch,
                       unsigned n)
{
    *transfer = (struct disk_transfer){
        .image = image,
        .call = allocation(unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE, offset, length),
        .iov = scratch,
        .n = n,
        .left = length,
        .zeroing = true,
    };
    return length > 0;
}

/* Describes the next zeros, as many as the scratch buffers hold. */
static int next_zeros(struct disk_transfer *transfer)
{
    static const uint8_t zeros[ZERO_PAGE] __attribute__((aligned(ZERO_PAGE))) = {0};
    uint64_t left = transfer->left;
    unsigned n = 0;

    for (; n < transfer->n && left > 0; n++) {
        size_t part = left < ZERO_PAGE ? (size_t)left : ZERO_PAGE;

        transfer->iov[n] = (struct iovec){.iov_base = (void *)zeros, .iov_len = part};
        left -= part;
    }
    transfer->call.iov = transfer->iov;
    transfer->call.n = n;
    return n > 0;
}

/* From the way that frees space to the one that does not, and from there to plain writing. */
static int zero_otherwise(struct disk_transfer *transfer)
{
    struct disk_call *call = &transfer->call;

    if (call->mode & FALLOC_FL_PUNCH_HOLE) {
        *call = allocation(FALLOC_FL_ZERO_RANGE, call->offset, call->length);
        return 1;
    }
    *call = (struct disk_call){.kind = DISK_CALL_WRITE, .offset = call->offset};
    return next_zeros(transfer);
}

static int next_write_of_zeros(struct disk_transfer *transfer, int64_t answer)
{
    if (answer <= 0)
        return answer < 0 ? (int)answer : -EIO;
    transfer->call.offset += (uint64_t)answer;
    transfer->left -= (uint64_t)answer;
    return next_zeros(transfer);
}

int disk_transfer_next(struct disk_transfer *transfer, int64_t answer)
{
    switch (transfer->call.kind) {
    case DISK_CALL_ALLOCATE:
        if (transfer->zeroing && answer == -EOPNOTSUPP)
            return zero_otherwise(transfer);
        break;
    case DISK_CALL_READ:
        return next_part(transfer, answer);
    case DISK_CALL_WRITE:
        return transfer->zeroing ? next_write_of_zeros(transfer, answer)
                                 : next_part(transfer, answer);
    case DISK_CALL_FLUSH:
    case DISK_CALL_DISCARD:
        break;
    }
    return answer < 0 ? (int)answer : 0;
}
