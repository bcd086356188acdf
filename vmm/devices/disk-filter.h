/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a disk's threads ask of the kernel, without and with an io_uring. */
#pragma once

#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <unistd.h>

#include "vmm/filter-rule.h"

#define FILTER_DISK                                                                                \
    FILTER_DEVICE_THREAD, CALL(preadv, "reads"), CALL(pwritev, "writes"),                          \
        CALL(fdatasync, "flushes"),                                                                \
        CALL(fallocate, "discards in a file",                                                      \
             INT(1, "mode", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)),                          \
        CALL(fallocate, "writes zeros",                                                            \
             INT(1, "mode", FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE)),                          \
        CALL(ioctl, "discards on a block device", INT(1, "request", BLKDISCARD)),                  \
        CALL(lseek, "how large the image has become", INT(2, "whence", SEEK_END),                  \
             LONG(1, "offset", 0)),                                                                \
        FILTER_CLOCK("the rate, and how often errors are told")

static const struct filter_rule filter_rules_disk[] = {FILTER_DISK};

/* Each ring was restricted when it was made (disk-ring.c), and none is made now. */
static const struct filter_rule filter_rules_disk_uring[] = {
    FILTER_DISK,
    CALL(io_uring_enter, "has the kernel begin requests", INT(3, "flags", 0)),
    CALL(io_uring_enter, "and takes their answers", INT(3, "flags", IORING_ENTER_GETEVENTS)),
};
