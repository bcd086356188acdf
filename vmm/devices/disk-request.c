/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests: each is the guest's word, copied once and checked before the host's disk is touched. */
#include "vmm/devices/disk-request.h"

#include <string.h>

/* Copies up to LENGTH bytes between DATA and the front of IOV, which they leave. How many. */
static size_t exchange(struct iovec **iov, unsigned *n, void *data, size_t length, bool to_guest)
{
    size_t done = 0;

    while (*n > 0 && done < length) {
        struct iovec *first = *iov;
        size_t part = first->iov_len < length - done ? first->iov_len : length - done;

        if (to_guest)
            memcpy(first->iov_base, (uint8_t *)data + done, part);
        else
            memcpy((uint8_t *)data + done, first->iov_base, part);
        done += part;
        first->iov_base = (uint8_t *)first->iov_base + part;
        first->iov_len -= part;
        if (first->iov_len == 0) {
            (*iov)++;
            (*n)--;
        }
    }
    return done;
}

/* Header and status may be cut into descriptors in any way (2.7.4). */
static int take_apart(struct disk_request *request)
{
    struct virtqueue_chain *chain = &request->chain;
    struct virtio_blk_outhdr header;

    if (chain->out_bytes < sizeof(header) || chain->in_bytes < 1)
        return -EPROTO;
    request->out = chain->iov;
    request->in = chain->iov + chain->n_out;
    request->n_out = chain->n_out;
    request->n_in = chain->n_in;
    request->out_bytes = chain->out_bytes - sizeof(header);
    request->in_bytes = chain->in_bytes - 1;
    request->written = 0;
    request->n_ranges = request->range = 0;
    request->flushing = false;
    (void)exchange(&request->out, &request->n_out, &header, sizeof(header), false);
    request->type = header.type;
    request->sector = header.sector;
    struct iovec *last = &request->in[request->n_in - 1];
    last->iov_len--;
    request->status = (uint8_t *)last->iov_base + last->iov_len;
    if (last->iov_len == 0)
        request->n_in--;
    return 0;
}

static int finish(struct disk_request *request, uint8_t status)
{
    *request->status = status;
    /* Only what is written without a gap counts (2.7.8.2): the status where it follows the data. */
    request->length =
        (uint32_t)(request->written + (request->written == request->in_bytes ? 1 : 0));
    return 0;
}

/* What the host failed at, for the journal. */
static const char *doing(const struct disk_request *request)
{
    if (request->flushing)
        return "flush what was written";
    switch (request->type) {
    case VIRTIO_BLK_T_IN:
        return "read";
    case VIRTIO_BLK_T_OUT:
        return "write";
    case VIRTIO_BLK_T_FLUSH:
        return "flush";
    case VIRTIO_BLK_T_DISCARD:
        return "discard";
    default:
        return "write zeros";
    }
}

static int fail(struct disk_request *request, struct disk *disk, int r)
{
    bool ranges = request->n_ranges > 0 && !request->flushing;

    if (r == -EOPNOTSUPP)
        return finish(request, VIRTIO_BLK_S_UNSUPP);
    disk_tell_error(disk, r, doing(request),
                    ranges ? request->ranges[request->range].sector : request->sector);
    return finish(request, VIRTIO_BLK_S_IOERR);
}

static int begin_range(struct disk_request *request, const struct disk *disk)
{
    const struct virtio_blk_discard_write_zeroes *range = &request->ranges[request->range];
    uint64_t offset = range->sector << DISK_SECTOR_SHIFT;
    uint64_t length = (uint64_t)range->num_sectors << DISK_SECTOR_SHIFT;

    if (request->type == VIRTIO_BLK_T_DISCARD)
        return disk_transfer_discard(&request->transfer, &disk->image, offset, length);
    return disk_transfer_zero(&request->transfer, &disk->image, offset, length,
                              range->flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP, request->chain.iov,
                              ELEMENTSOF(request->chain.iov));
}

/* R is how the transfer stands: what comes after it, where it is done. */
static int go_on(struct disk_request *request, struct disk *disk, int r)
{
    while (r == 0 && request->range + 1 < request->n_ranges) {
        request->range++;
        r = begin_range(request, disk);
    }
    if (r < 0)
        return fail(request, disk, r);
    if (r > 0)
        return r;
    if (request->type == VIRTIO_BLK_T_IN)
        request->written = request->in_bytes;
    /* A driver without FLUSH takes for stable what was acknowledged (5.2.6.2). */
    if (request->type == VIRTIO_BLK_T_IN || request->type == VIRTIO_BLK_T_FLUSH ||
        request->flushing || virtio_device_has(&disk->device, VIRTIO_BLK_F_FLUSH))
        return finish(request, VIRTIO_BLK_S_OK);
    request->flushing = true;
    return disk_transfer_flush(&request->transfer, &disk->image);
}

static int begin_read(struct disk_request *request, struct disk *disk, uint8_t *bounce)
{
    if (request->out_bytes > 0 || request->in_bytes > DISK_REQUEST_SIZE_MAX ||
        !disk_image_covers(&disk->image, request->sector, request->in_bytes))
        return finish(request, VIRTIO_BLK_S_IOERR);
    return go_on(request, disk,
                 disk_transfer_read(&request->transfer, &disk->image, request->in, request->n_in,
                                    request->sector << DISK_SECTOR_SHIFT, bounce));
}

static int begin_write(struct disk_request *request, struct disk *disk, uint8_t *bounce)
{
    if (disk->image.readonly || request->in_bytes > 0 ||
        request->out_bytes > DISK_REQUEST_SIZE_MAX ||
        !disk_image_covers(&disk->image, request->sector, request->out_bytes))
        return finish(request, VIRTIO_BLK_S_IOERR);
    return go_on(request, disk,
                 disk_transfer_write(&request->transfer, &disk->image, request->out, request->n_out,
                                     request->sector << DISK_SECTOR_SHIFT, bounce));
}

static uint8_t check_range(const struct disk *disk,
                           const struct virtio_blk_discard_write_zeroes *range, uint32_t flags)
{
    if (range->flags & ~flags)
        return VIRTIO_BLK_S_UNSUPP; /* 5.2.6.2: unmap with a discard, too */
    if (range->num_sectors > DISK_RANGE_SECTORS_MAX ||
        !disk_image_covers(&disk->image, range->sector,
                           (uint64_t)range->num_sectors << DISK_SECTOR_SHIFT))
        return VIRTIO_BLK_S_IOERR;
    return VIRTIO_BLK_S_OK;
}

/* Nothing is touched before every range is known to be good. */
static int begin_ranges(struct disk_request *request, struct disk *disk)
{
    uint32_t flags =
        request->type == VIRTIO_BLK_T_WRITE_ZEROES ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;
    uint8_t status = VIRTIO_BLK_S_OK;

    if (disk->image.readonly || request->in_bytes > 0 || request->out_bytes == 0 ||
        request->out_bytes % sizeof(request->ranges[0]) != 0 ||
        request->out_bytes > sizeof(request->ranges))
        return finish(request, VIRTIO_BLK_S_IOERR);
    unsigned n = (unsigned)(request->out_bytes / sizeof(request->ranges[0]));
    (void)exchange(&request->out, &request->n_out, request->ranges, request->out_bytes, false);
    for (unsigned i = 0; i < n && status == VIRTIO_BLK_S_OK; i++)
        status = check_range(disk, &request->ranges[i], flags);
    if (status != VIRTIO_BLK_S_OK)
        return finish(request, status);
    request->n_ranges = n;
    return go_on(request, disk, begin_range(request, disk));
}

static int begin_flush(struct disk_request *request, struct disk *disk)
{
    if (disk->image.readonly)
        return finish(request, VIRTIO_BLK_S_OK);
    return go_on(request, disk, disk_transfer_flush(&request->transfer, &disk->image));
}

static int give_id(struct disk_request *request, struct disk *disk)
{
    char serial[VIRTIO_BLK_ID_BYTES] = {0}; /* not terminated where it is full (5.2.6) */

    _Static_assert(VIRTIO_ID_SIZE <= VIRTIO_BLK_ID_BYTES, "an id is a serial number");
    memcpy(serial, disk->device.id, strlen(disk->device.id));
    request->written = exchange(&request->in, &request->n_in, serial, sizeof(serial), true);
    return finish(request, VIRTIO_BLK_S_OK);
}

int disk_request_begin(struct disk_request *request, struct disk *disk, uint8_t *bounce)
{
    int r = take_apart(request);
    if (r < 0)
        return r;
    switch (request->type) {
    case VIRTIO_BLK_T_IN:
        return begin_read(request, disk, bounce);
    case VIRTIO_BLK_T_OUT:
        return begin_write(request, disk, bounce);
    case VIRTIO_BLK_T_FLUSH:
        return begin_flush(request, disk);
    case VIRTIO_BLK_T_DISCARD:
    case VIRTIO_BLK_T_WRITE_ZEROES:
        return begin_ranges(request, disk);
    case VIRTIO_BLK_T_GET_ID:
        return give_id(request, disk);
    default:
        return finish(request, VIRTIO_BLK_S_UNSUPP);
    }
}

int disk_request_next(struct disk_request *request, struct disk *disk, int64_t answer)
{
    return go_on(request, disk, disk_transfer_next(&request->transfer, answer));
}
