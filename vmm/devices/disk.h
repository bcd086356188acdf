/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-blk (virtio 1.2, 5.2): configuration and life; each queue serves its own requests. */
#pragma once

#include <limits.h>

#include "vmm/devices/device-table.h"

enum {
    DISK_QUEUES_MAX = 8,
    DISK_QUEUE_SIZE = 256,
};

enum disk_cache {
    DISK_CACHE_WRITEBACK, /* the host's page cache */
    DISK_CACHE_NONE,      /* past it: O_DIRECT */
};

/* Who makes the calls to the host. */
enum disk_engine {
    DISK_ENGINE_AUTO, /* io_uring where it is allowed, else as SYNC */
    DISK_ENGINE_IO_URING,
    DISK_ENGINE_SYNC, /* the queue's thread, which waits for each */
};

/* What --disk= says. */
struct disk_settings {
    char id[VIRTIO_ID_SIZE];
    char file[PATH_MAX]; /* a path, or fd:NAME */
    bool readonly;
    enum disk_cache cache;
    enum disk_engine engine;
    uint16_t queues;
    uint32_t iops, mbps; /* 0: no limit */
};

/* Reads "ID,file=…,readonly,…". 0 or -EINVAL; logs what is wrong and what would be right. */
int disk_settings_parse(const char *argument, struct disk_settings *ret);

/* A row of the device table. */
int disk_create(const char *argument, const struct device_environment *environment,
                struct virtio_device **ret);
