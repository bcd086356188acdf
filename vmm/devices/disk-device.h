/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-blk from within: what its own files share. */
#pragma once

#include <linux/virtio_blk.h>

#include "vmm/devices/disk-image.h"
#include "vmm/devices/disk-limit.h"

enum {
    DISK_SEGMENTS_MAX = DISK_QUEUE_SIZE - 2, /* beside header and status (5.2.4) */
    DISK_SEGMENT_SIZE_MAX = 1024 * 1024,
    DISK_RANGES_MAX = 16,                                   /* of one discard or write-zeroes */
    DISK_RANGE_SECTORS_MAX = 1 << (30 - DISK_SECTOR_SHIFT), /* 1 GiB */
};

/* What a request may move: what a driver that heeds the configuration can ask for. */
#define DISK_REQUEST_SIZE_MAX ((uint64_t)DISK_SEGMENTS_MAX * DISK_SEGMENT_SIZE_MAX)

struct disk_queue;

struct disk {
    struct virtio_device device;
    struct virtio_blk_config config;
    struct disk_image image;
    struct disk_limit limit;
    char *argument; /* of --disk=; owned */
    bool has_rings;
    unsigned n_queues;
    struct disk_queue *queues[DISK_QUEUES_MAX]; /* owned */
    /* The last error line, and the errors since that have none. Any of the device's threads. */
    _Atomic uint64_t told_ns;
    atomic_uint untold;
};

static inline struct disk *disk_of(struct virtio_device *device)
{
    return container_of(device, struct disk, device);
}

/* Says in the journal, not too often, that the host failed with R to do WHAT at SECTOR. */
void disk_tell_error(struct disk *disk, int r, const char *what, uint64_t sector);
