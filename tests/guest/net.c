/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An honest driver: frames of all sizes go out, and the host's answers come in. */
#include "virtio.h"

enum { FEATURE_EVENT_INDEX = 1 << 29 };

void guest_main(void)
{
    struct virtio virtio;

    CHECK(virtio_find(&virtio), 0);
    net_start(&virtio, 0);
    for (uint32_t n = 60; n < 1500; n += 37)
        net_ping(&virtio, (uint8_t)n, n);
    CHECK(read8(virtio.isr) & 1, 0);
    /* Answers that nobody has asked for by interrupt, a hundred times round the ring. */
    for (unsigned i = 0; i < 300; i++)
        net_ping(&virtio, (uint8_t)(2 * i), 100);
    print("frames went both ways\n");

    net_start(&virtio, FEATURE_EVENT_INDEX);
    for (unsigned i = 0; i < 100; i++)
        net_ping(&virtio, (uint8_t)(2 * i), 100);
    print("with event indices, too\n");
    power_off();
}
