/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interrupts by MSI-X: masked, pending, moved and suppressed under traffic; and those of the
 * configuration. */
#include "interrupts.h"
#include "net-driver.h"

enum { SPARE_VECTOR = 2 /* the control queue's, which has none here */ };

static void start(uint64_t features)
{
    net_start(&(struct net_wish){.features = features, .receive_size = 2048, .interrupts = true});
}

/* Sends and receives; then the interrupts of that have come, too. */
static void ping_and_rest(uint8_t mark)
{
    net_ping(0, mark, 100);
    pass(PATIENCE_QUIET);
}

static void check_mask(void)
{
    const struct virtio *virtio = &net.virtio;

    for (unsigned i = 0; i < 50; i++) {
        ping_and_rest(1);
        virtio_mask_vector(virtio, 0, true);
        uint32_t before = interrupts[0];
        for (unsigned k = 0; k < i % 4 + 1; k++)
            net_ping(0, (uint8_t)(2 * k), 100);
        CHECK_SOON(virtio_vector_pending(virtio, 0), i);
        CHECK(interrupts[0] == before, i);
        virtio_mask_vector(virtio, 0, false);
        CHECK(interrupt_wait(0, before), i);
        CHECK(!virtio_vector_pending(virtio, 0), i);
    }
    /* The whole function, by message control. */
    ping_and_rest(1);
    write16(virtio->msix_control, 0xc000);
    uint32_t receive = interrupts[0], transmit = interrupts[1];
    net_ping(0, 9, 100);
    CHECK_SOON(virtio_vector_pending(virtio, 0) && virtio_vector_pending(virtio, 1), 0);
    CHECK(interrupts[0] == receive && interrupts[1] == transmit, interrupts[0]);
    write16(virtio->msix_control, 0x8000);
    CHECK(interrupt_wait(0, receive) && interrupt_wait(1, transmit), 0);
    print("a masked vector waits\n");
}

/* The change is the device thread's to make, so some answers may still use the old vector. */
static void move(uint16_t vector)
{
    virtio_set_queue_vector(&net.virtio, 0, vector);
    for (unsigned i = 0; i < 20; i++) {
        uint32_t before = vector == NO_VECTOR ? 0 : interrupts[vector];

        net_ping(0, 1, 100);
        if (vector != NO_VECTOR && interrupt_wait(vector, before))
            return;
    }
    CHECK(vector == NO_VECTOR, vector);
}

static void check_moves(void)
{
    for (unsigned i = 0; i < 10; i++) {
        move(SPARE_VECTOR);
        pass(PATIENCE_QUIET);
        uint32_t old = interrupts[0];
        ping_and_rest(2);
        CHECK(interrupts[0] == old, i);
        move(NO_VECTOR);
        pass(PATIENCE_QUIET);
        uint32_t spare = interrupts[SPARE_VECTOR];
        ping_and_rest(3);
        CHECK(interrupts[0] == old && interrupts[SPARE_VECTOR] == spare, i);
        move(0);
    }
    /* A vector that is not there reads back as none. */
    write16(net.virtio.common + COMMON_QUEUE_MSIX, 500);
    CHECK(read16(net.virtio.common + COMMON_QUEUE_MSIX) == NO_VECTOR, 500);
    move(0);
    print("a queue changes its vector\n");
}

static void check_suppression(void)
{
    rings[0].available.flags = NO_INTERRUPT;
    ping_and_rest(1);
    uint32_t before = interrupts[0];
    for (uint8_t i = 0; i < 20; i++)
        net_ping(0, (uint8_t)(2 * i), 100);
    pass(PATIENCE_QUIET);
    CHECK(interrupts[0] == before, before);
    rings[0].available.flags = 0;
    net_ping(0, 1, 100);
    CHECK(interrupt_wait(0, before), before);

    start(FEATURE_EVENT_INDEX);
    before = interrupts[0];
    rings[0].available.used_event = 9; /* with the tenth frame */
    for (uint8_t i = 0; i < 9; i++)
        ping_and_rest((uint8_t)(2 * i));
    /* vhost-net tells of the first used buffer after a start in any case. */
    CHECK(interrupts[0] - before <= by_kernel(), interrupts[0]);
    before = interrupts[0];
    net_ping(0, 1, 100);
    CHECK(interrupt_wait(0, before), before);
    print("interrupts come where they are wanted\n");
}

/* 5.1.6.5.4 */
static void check_announcement(void)
{
    uint64_t status = net.virtio.device + NET_CONFIG_STATUS;

    start(NET_STATUS | NET_CONTROL | NET_ANNOUNCE);
    uint8_t generation;
    CHECK_SOON(read16(status) & STATUS_ANNOUNCE, read16(status));
    CHECK(interrupt_wait(net.config_vector, 0), net.config_vector);
    net_ping(0, 1, 100);
    generation = read8(net.virtio.common + COMMON_GENERATION);
    CHECK(net_control(CONTROL_ANNOUNCE, CONTROL_ANNOUNCE_ACK, NULL, 0) == CONTROL_OK, 0);
    CHECK(read16(status) == STATUS_LINK_UP, read16(status));
    CHECK(read8(net.virtio.common + COMMON_GENERATION) != generation, generation);
    start(NET_STATUS | NET_CONTROL);
    CHECK(read16(status) == STATUS_LINK_UP, read16(status));
    CHECK(net_control(CONTROL_ANNOUNCE, CONTROL_ANNOUNCE_ACK, NULL, 0) == CONTROL_ERROR, 0);
    print("the announcement was asked for\n");
}

void guest_main(void)
{
    net_open();
    interrupts_enable();
    start(0);
    check_mask();
    check_moves();
    check_suppression();
    check_announcement();
    power_off();
}
