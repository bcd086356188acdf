/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One call to the host about an image, apart from who makes it: a thread that waits for it, or the
 * kernel by way of a ring. */
#pragma once

#include "vmm/devices/disk-image.h"

struct disk_call {
    enum disk_call_kind {
        DISK_CALL_READ,
        DISK_CALL_WRITE,
        DISK_CALL_FLUSH,
        DISK_CALL_ALLOCATE, /* fallocate(2) with MODE */
        DISK_CALL_DISCARD,  /* of a block device */
    } kind;
    /* No ring can make it: the kernel has no other form of it, or it needs the queue's own buffer.
     */
    bool here;
    int mode;
    struct iovec *iov; /* must stay until the answer is there, as what it points to */
    unsigned n;
    uint64_t offset, length; /* LENGTH is that of an allocation or a discard */
};

/* Makes CALL and waits for the answer: bytes moved, 0, or -errno. */
int64_t disk_call_make(const struct disk_call *call, const struct disk_image *image);
