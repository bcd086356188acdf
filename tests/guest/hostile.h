/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What hostile payloads have in common: how they begin, and what must be true in the end. */
#pragma once

#include "interrupts.h"
#include "net-driver.h"

static inline uint32_t hostile_begin(void)
{
    uint32_t milliseconds, kilobytes;

    net_open();
    interrupts_enable();
    net_start(&(struct net_wish){.receive_size = 2048, .interrupts = true});
    net_host_measure(&milliseconds, &kilobytes);
    return kilobytes;
}

/* After a reset all pairs work, and the VMM is as small and as idle as before. */
static inline void hostile_end(uint32_t kilobytes_before)
{
    uint32_t milliseconds, kilobytes;
    uint64_t offered;

    virtio_reset(&net.virtio);
    CHECK(virtio_find(&net.virtio), 0);
    offered = virtio_offered(&net.virtio);
    net_start(&(struct net_wish){.features = offered & (NET_MULTI_QUEUE | NET_CONTROL),
                                 .receive_size = 2048,
                                 .interrupts = true});
    net_host_flood(false);
    if (net.pairs > 1)
        CHECK(net_set_pairs((uint16_t)net.pairs) == CONTROL_OK, net.pairs);
    for (unsigned pair = 0; pair < net.pairs; pair++)
        net_ping_patiently(pair, (uint8_t)(2 * pair), 600);
    net_host_measure(&milliseconds, &kilobytes);
    CHECK(milliseconds <= 100, milliseconds); /* of a second */
    CHECK(kilobytes < kilobytes_before + 4096, kilobytes - kilobytes_before);
    print("the device survived\n");
    power_off();
}
