/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-balloon (virtio 1.2, 5.5): memory that the guest gives back, and what it tells of its own.
 */
#pragma once

#include <limits.h>

#include "vmm/devices/device-table.h"

enum { BALLOON_QUEUE_SIZE = 128 };

/* What --balloon= says. */
struct balloon_settings {
    char id[VIRTIO_ID_SIZE];
    uint32_t size_mib; /* how much of its memory the guest is to give up */
    bool deflate_on_oom;
    bool reporting;          /* of free pages */
    unsigned statistics_sec; /* how often the guest is asked for figures; 0: never */
    char file[PATH_MAX];     /* where they are written to: a path, or fd:NAME; empty: nowhere */
};

/* Reads "ID,size=…,file=…". 0 or -EINVAL; logs what is wrong and what would be right. */
int balloon_settings_parse(const char *argument, struct balloon_settings *ret);

/* A row of the device table. */
int balloon_create(const char *argument, const struct device_environment *environment,
                   struct virtio_device **ret);
