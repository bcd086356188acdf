/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-rng (virtio 1.2, 5.4): the host's random numbers for the guest. */
#pragma once

#include "vmm/devices/device-table.h"

enum {
    RNG_QUEUE_SIZE = 16,
    RNG_REQUEST_MAX = 4096, /* bytes of one answer; the driver asks again (5.4.6.2) */
    /* What a request counts for at least: an answer has a price however short it is. */
    RNG_REQUEST_MIN = 64,
    RNG_BYTES_PER_SECOND = 1024 * 1024,
    RNG_BURST = 256 * 1024, /* a boot takes some hundred bytes */
};

/* A row of the device table. */
int rng_create(const char *argument, const struct device_environment *environment,
               struct virtio_device **ret);
