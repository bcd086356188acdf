/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An honest driver of one queue pair: frames of all sizes go out, and the host's answers come in.
 */
#include "net-driver.h"

static void check_config(void)
{
    static const uint8_t mac[] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    uint64_t config = net.virtio.device, offered = virtio_offered(&net.virtio);

    for (unsigned i = 0; i < 6; i++)
        CHECK(read8(config + i) == mac[i], i);
    CHECK(read16(config) == 0x5452 && read32(config) == 0x12005452, read32(config));
    CHECK(read16(config + NET_CONFIG_STATUS) == STATUS_LINK_UP, read16(config + NET_CONFIG_STATUS));
    CHECK(!(offered & NET_MTU) || read16(config + NET_CONFIG_MTU) == 9000,
          read16(config + NET_CONFIG_MTU));
    CHECK(read32(config + 0x100) == 0, read32(config + 0x100)); /* behind its end */
}

/* The device is in the middle of work each time; indices begin at zero each time. */
static void check_lives(void)
{
    for (unsigned i = 0; i < 100; i++) {
        net_start_plain(i % 2 ? FEATURE_EVENT_INDEX : 0);
        for (uint16_t k = 0; k < i % (RING_SIZE + 1); k++)
            net_post(0, k, (uint8_t)i, 100 + i);
        if (i % 10 == 0) {
            /* What was posted above comes first. */
            for (uint16_t k = 0; k < i % (RING_SIZE + 1); k++)
                (void)ring_wait(&net.virtio, 1);
            net_ping_patiently(0, (uint8_t)(i + 100), 333);
        }
    }
}

void guest_main(void)
{
    net_open();
    check_config();
    net_start_plain(0);
    for (uint32_t n = 60; n < 1500; n += 37)
        net_ping(0, (uint8_t)n, n);
    CHECK(by_kernel() || (read8(net.virtio.isr) & 1), 0);
    /* Answers that nobody has asked for by interrupt, many times round the ring. */
    for (unsigned i = 0; i < 300; i++)
        net_ping(0, (uint8_t)(2 * i), 100);
    print("frames went both ways\n");

    net_start_plain(FEATURE_EVENT_INDEX);
    for (unsigned i = 0; i < 100; i++)
        net_ping(0, (uint8_t)(2 * i), 100);
    print("with event indices, too\n");

    check_lives();
    net_start_plain(0);
    net_ping_patiently(0, 7, 60);
    print("and after many lives\n");
    power_off();
}
