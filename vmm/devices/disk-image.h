/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk's bytes on the host: an image file or a block device. */
#pragma once

#include <stdatomic.h>
#include <sys/uio.h>

#include "vmm/devices/disk.h"

enum {
    DISK_SECTOR_SHIFT = 9,
    DISK_SECTOR_SIZE = 1 << DISK_SECTOR_SHIFT, /* the unit of virtio-blk, whatever the block size */
    DISK_BOUNCE_SIZE = 256 * 1024,
};

struct disk_image {
    int fd; /* owned */
    bool readonly, block_device;
    bool direct;                             /* past the page cache */
    _Atomic uint64_t sectors;                /* what the guest is told; it may grow */
    uint32_t block_size;                     /* logical: the unit of addresses and lengths */
    uint32_t physical_size, min_io, best_io; /* bytes; 0: unknown */
    /* What one call had better not exceed, 0: nothing. The kernel hands what a disk does not take
     * at once from a ring to other threads, at twice the cost. */
    uint32_t at_once;
};

/*
 * Takes or opens what SETTINGS name, and locks it: against all others where it is written to,
 * against writers where not. 0 or -errno; logs. disk_image_done() takes one with fd = -EBADF.
 */
int disk_image_init(struct disk_image *image, const struct disk_settings *settings,
                    const struct device_environment *environment);
void disk_image_done(struct disk_image *image);

/* How many sectors the image has now, which the guest may not know yet. 0 or -errno. */
int disk_image_measure_again(const struct disk_image *image, uint64_t *ret_sectors);

/* Whether LENGTH bytes from SECTOR on are whole blocks of the disk. */
bool disk_image_covers(const struct disk_image *image, uint64_t sector, uint64_t length);
