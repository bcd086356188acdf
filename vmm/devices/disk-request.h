/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One request of virtio-blk (virtio 1.2, 5.2.6), from its chain to its status, apart from who makes
 * the calls in between. */
#pragma once

#include "vmm/devices/disk-device.h"
#include "vmm/devices/disk-transfer.h"

struct disk_request {
    struct virtqueue_chain chain; /* filled in by the queue; the buffers are used up */
    struct disk_request *next;    /* the queue's */
    /* What is left of the chain without header and status byte: the data. */
    uint32_t type;
    uint64_t sector;
    struct iovec *out, *in; /* to the disk, from the disk */
    unsigned n_out, n_in;
    uint64_t out_bytes, in_bytes;
    uint8_t *status;
    uint64_t written; /* bytes of IN that were filled from its front on */
    /* How far it is. */
    struct virtio_blk_discard_write_zeroes ranges[DISK_RANGES_MAX];
    unsigned n_ranges, range;
    bool flushing; /* a flush of its own, for a driver that has none */
    struct disk_transfer transfer;
    uint32_t length; /* of what the driver finds written, once all is done (2.7.8.2) */
};

/*
 * Checks what the chain asks for, and begins it. BOUNCE is as for disk_transfer_read(). 1 where
 * transfer.call is to be made next; 0 where the request is done, status and length included;
 * -EPROTO where the chain has no room for a header or a status: the driver is broken then, and
 * nothing was done.
 */
int disk_request_begin(struct disk_request *request, struct disk *disk, uint8_t *bounce);

/* Takes the host's answer to transfer.call. 1 or 0, as above. */
int disk_request_next(struct disk_request *request, struct disk *disk, int64_t answer);
