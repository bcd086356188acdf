/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A balloon's driver, for payloads that are honest or hostile. */
#pragma once

#include "virtio.h"

enum {
    VIRTIO_TYPE_BALLOON = 5,
    FEATURE_STATISTICS = 1 << 1,
    FEATURE_POISON = 1 << 4,
    FEATURE_REPORTING = 1 << 5,

    CONFIG_PAGES = 0,
    CONFIG_ACTUAL = 4,
    CONFIG_POISON = 12,

    INFLATE = 0,
    DEFLATE = 1,
    STATISTICS = 2,
    REPORTING = 3,
    BALLOON_QUEUES = 5,

    PAGE = 4096,
    MIB = 1 << 20,
};

/* Memory that nothing else uses, in a guest of 64 MiB. */
#define PLACE 0x1000000ul

static inline void balloon_start(const struct virtio *balloon, uint64_t features)
{
    virtio_reset(balloon);
    virtio_negotiate(balloon, features);
    for (unsigned i = 0; i < BALLOON_QUEUES; i++)
        if (i <= DEFLATE || (i == STATISTICS && (features & FEATURE_STATISTICS)) ||
            (i == REPORTING && (features & FEATURE_REPORTING)))
            virtio_set_ring(balloon, i);
    virtio_set_ready(balloon);
}

static inline void balloon_send(const struct virtio *balloon, unsigned queue, const void *buffer,
                                uint32_t length, bool in)
{
    ring_describe(queue, 0, (uint64_t)buffer, length, in ? DESCRIPTOR_WRITE : 0, 0);
    ring_offer(balloon, queue, 0);
    (void)ring_wait(balloon, queue);
}
