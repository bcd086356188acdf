/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests: each is the guest's word, copied once and checked before the host's disk is touched. */
#include "vmm/devices/disk-request.h"

#include <string.h>

/* What is left of a chain without header and status byte: the data. */
struct request {
    uint32_t type;
    uint64_t sector;
    struct iovec *out, *in; /* to the disk, from the disk */
    unsigned n_out, n_in;
    uint64_t out_bytes, in_bytes;
    uint8_t *status;
    uint64_t written; /* bytes of IN that were filled from its front on */
};

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
static int request_init(struct request *request, struct virtqueue_chain *chain)
{
    struct virtio_blk_outhdr header;

    if (chain->out_bytes < sizeof(header) || chain->in_bytes < 1)
        return -EPROTO;
    *request = (struct request){
        .out = chain->iov,
        .in = chain->iov + chain->n_out,
        .n_out = chain->n_out,
        .n_in = chain->n_in,
        .out_bytes = chain->out_bytes - sizeof(header),
        .in_bytes = chain->in_bytes - 1,
    };
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

/* The status of what the host answered with R. */
static uint8_t status_of(struct disk *disk, int r, const char *what, uint64_t sector)
{
    if (r >= 0)
        return VIRTIO_BLK_S_OK;
    if (r == -EOPNOTSUPP)
        return VIRTIO_BLK_S_UNSUPP;
    disk_tell_error(disk, r, what, sector);
    return VIRTIO_BLK_S_IOERR;
}

/* A driver without FLUSH takes for stable what was acknowledged (5.2.6.2). */
static uint8_t finish_write(struct disk *disk, uint8_t status, uint64_t sector)
{
    if (status != VIRTIO_BLK_S_OK || virtio_device_has(&disk->device, VIRTIO_BLK_F_FLUSH))
        return status;
    return status_of(disk, disk_image_flush(&disk->image), "flush what was written", sector);
}

static uint8_t serve_read(struct disk *disk, struct request *request, uint8_t *bounce)
{
    uint64_t length = request->in_bytes;

    if (request->out_bytes > 0 || length > DISK_REQUEST_SIZE_MAX ||
        !disk_image_covers(&disk->image, request->sector, length))
        return VIRTIO_BLK_S_IOERR;
    int r = disk_image_read(&disk->image, request->in, request->n_in,
                            request->sector << DISK_SECTOR_SHIFT, bounce);
    if (r >= 0)
        request->written = length;
    return status_of(disk, r, "read", request->sector);
}

static uint8_t serve_write(struct disk *disk, struct request *request, uint8_t *bounce)
{
    if (disk->image.readonly || request->in_bytes > 0 ||
        request->out_bytes > DISK_REQUEST_SIZE_MAX ||
        !disk_image_covers(&disk->image, request->sector, request->out_bytes))
        return VIRTIO_BLK_S_IOERR;
    int r = disk_image_write(&disk->image, request->out, request->n_out,
                             request->sector << DISK_SECTOR_SHIFT, bounce);
    return finish_write(disk, status_of(disk, r, "write", request->sector), request->sector);
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

static uint8_t serve_range(struct disk *disk, uint32_t type,
                           const struct virtio_blk_discard_write_zeroes *range)
{
    uint64_t offset = range->sector << DISK_SECTOR_SHIFT;
    uint64_t length = (uint64_t)range->num_sectors << DISK_SECTOR_SHIFT;

    if (length == 0)
        return VIRTIO_BLK_S_OK;
    if (type == VIRTIO_BLK_T_DISCARD)
        return status_of(disk, disk_image_discard(&disk->image, offset, length), "discard",
                         range->sector);
    bool unmap = range->flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
    return status_of(disk, disk_image_zero(&disk->image, offset, length, unmap), "write zeros",
                     range->sector);
}

/* Nothing is touched before every range is known to be good. */
static uint8_t serve_ranges(struct disk *disk, struct request *request)
{
    struct virtio_blk_discard_write_zeroes ranges[DISK_RANGES_MAX];
    uint32_t flags =
        request->type == VIRTIO_BLK_T_WRITE_ZEROES ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;
    uint8_t status = VIRTIO_BLK_S_OK;

    if (disk->image.readonly || request->in_bytes > 0 || request->out_bytes == 0 ||
        request->out_bytes % sizeof(ranges[0]) != 0 || request->out_bytes > sizeof(ranges))
        return VIRTIO_BLK_S_IOERR;
    size_t n = request->out_bytes / sizeof(ranges[0]);
    (void)exchange(&request->out, &request->n_out, ranges, request->out_bytes, false);
    for (size_t i = 0; i < n && status == VIRTIO_BLK_S_OK; i++)
        status = check_range(disk, &ranges[i], flags);
    for (size_t i = 0; i < n && status == VIRTIO_BLK_S_OK; i++)
        status = serve_range(disk, request->type, &ranges[i]);
    return finish_write(disk, status, ranges[0].sector);
}

static uint8_t serve_id(struct disk *disk, struct request *request)
{
    char serial[VIRTIO_BLK_ID_BYTES] = {0}; /* not terminated where it is full (5.2.6) */

    _Static_assert(VIRTIO_ID_SIZE <= VIRTIO_BLK_ID_BYTES, "an id is a serial number");
    memcpy(serial, disk->device.id, strlen(disk->device.id));
    request->written = exchange(&request->in, &request->n_in, serial, sizeof(serial), true);
    return VIRTIO_BLK_S_OK;
}

static uint8_t serve(struct disk *disk, struct request *request, uint8_t *bounce)
{
    switch (request->type) {
    case VIRTIO_BLK_T_IN:
        return serve_read(disk, request, bounce);
    case VIRTIO_BLK_T_OUT:
        return serve_write(disk, request, bounce);
    case VIRTIO_BLK_T_FLUSH:
        return disk->image.readonly
                   ? VIRTIO_BLK_S_OK
                   : status_of(disk, disk_image_flush(&disk->image), "flush", request->sector);
    case VIRTIO_BLK_T_DISCARD:
    case VIRTIO_BLK_T_WRITE_ZEROES:
        return serve_ranges(disk, request);
    case VIRTIO_BLK_T_GET_ID:
        return serve_id(disk, request);
    default:
        return VIRTIO_BLK_S_UNSUPP;
    }
}

int disk_request_serve(struct disk *disk, struct virtqueue_chain *chain, uint8_t *bounce,
                       uint32_t *ret_length)
{
    struct request request;

    int r = request_init(&request, chain);
    if (r < 0)
        return r;
    uint64_t room = request.in_bytes;
    *request.status = serve(disk, &request, bounce);
    /* Only what is written without a gap counts (2.7.8.2): the status where it follows the data. */
    *ret_length = (uint32_t)(request.written + (request.written == room ? 1 : 0));
    return 0;
}
