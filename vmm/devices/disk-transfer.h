/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done to an image, in as many calls as it takes: whole reads and writes, flushes, holes.
 */
#pragma once

#include "vmm/devices/disk-call.h"

/*
 * The functions that begin a transfer, and disk_transfer_next(), return 1 where CALL is to be made
 * next, 0 where all is done, and -errno where it failed.
 */
struct disk_transfer {
    const struct disk_image *image;
    struct disk_call call;
    /* The buffers: what is left of them, and the part that goes by way of the bounce buffer. */
    struct iovec *iov, bounced;
    unsigned n;
    uint8_t *bounce; /* NULL: none is needed */
    uint64_t offset, left;
    bool zeroing; /* left to try, where the host does not know a way of making zeros */
};

/*
 * Moves all the bytes of IOV, which it uses up, to or from OFFSET. BOUNCE, DISK_BOUNCE_SIZE bytes
 * at a page's begin, is for buffers that O_DIRECT does not take; NULL where the image is not
 * direct. -EIO where the file ends before.
 */
int disk_transfer_read(struct disk_transfer *transfer, const struct disk_image *image,
                       struct iovec *iov, unsigned n, uint64_t offset, uint8_t *bounce);
int disk_transfer_write(struct disk_transfer *transfer, const struct disk_image *image,
                        struct iovec *iov, unsigned n, uint64_t offset, uint8_t *bounce);

/* Has all that was written survive a loss of power. */
int disk_transfer_flush(struct disk_transfer *transfer, const struct disk_image *image);

/* Lets the host have the space back; what is read there from then on is not defined. -EOPNOTSUPP
 * where this image cannot. */
int disk_transfer_discard(struct disk_transfer *transfer, const struct disk_image *image,
                          uint64_t offset, uint64_t length);

/* Has LENGTH bytes read as zeros; with UNMAP the space may go. SCRATCH, of N, is for file systems
 * that have to be given them, and must stay. */
int disk_transfer_zero(struct disk_transfer *transfer, const struct disk_image *image,
                       uint64_t offset, uint64_t length, bool unmap, struct iovec *scratch,
                       unsigned n);

/* Takes the host's answer to CALL. */
int disk_transfer_next(struct disk_transfer *transfer, int64_t answer);
