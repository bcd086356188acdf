/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A driver of all queue pairs, which turns them on and off while packets run. */
#include "interrupts.h"
#include "net-driver.h"

#define FEATURES (NET_CONTROL | NET_MULTI_QUEUE | NET_STATUS | NET_MAC)

static void start(uint64_t features)
{
    net_start(&(struct net_wish){.features = features, .receive_size = 2048, .interrupts = true});
}

/* The answer comes on the pair that asked, with the interrupts of that pair and no other's. */
static void check_pair(unsigned pair)
{
    uint32_t before[INTERRUPTS];

    net_ping_patiently(pair, 0x10, 200); /* the host learns the flow */
    pass(PATIENCE_QUIET);
    memcpy(before, (const void *)interrupts, sizeof(before));
    net_ping(pair, 0x20, 300);
    CHECK(interrupt_wait(2 * pair, before[2 * pair]), pair);
    CHECK(interrupt_wait(2 * pair + 1, before[2 * pair + 1]), pair);
    for (unsigned i = 0; i < 2 * net.pairs; i++)
        CHECK(i / 2 == pair || interrupts[i] == before[i], i);
}

static void check_all_pairs(void)
{
    start(FEATURES);
    net_ping(0, 1, 100); /* one pair works before any command */
    CHECK(net_set_pairs((uint16_t)net.pairs) == CONTROL_OK, net.pairs);
    for (unsigned round = 0; round < 3; round++)
        for (unsigned pair = 0; pair < net.pairs; pair++)
            check_pair(pair);
    print("each pair has its own interrupts\n");
}

/* Fills the transmit rings of the first N pairs, and returns at once. */
static void post_everywhere(unsigned n, uint8_t mark)
{
    for (unsigned pair = 0; pair < n; pair++)
        for (uint16_t slot = 0; slot < RING_SIZE; slot++)
            net_post(pair, slot, mark, 100 + mark);
}

static void drain_everywhere(unsigned n)
{
    for (unsigned pair = 0; pair < n; pair++)
        while (rings[2 * pair + 1].next_used != rings[2 * pair + 1].available.index)
            (void)ring_wait(&net.virtio, 2 * pair + 1);
}

static void check_changes(uint64_t features)
{
    start(FEATURES | features);
    net_host_flood(true);
    for (unsigned i = 0, active = 1; i < 24; i++) {
        unsigned next = 1 + (i * 5 + i / 7) % net.pairs;

        post_everywhere(active, (uint8_t)i);
        if (next < active)
            drain_everywhere(active); /* a driver drains what it turns off */
        CHECK(net_set_pairs((uint16_t)next) == CONTROL_OK, next);
        drain_everywhere(next < active ? next : active);
        active = next;
        if (i % 6 == 0)
            for (unsigned pair = 0; pair < active; pair++)
                net_ping_patiently(pair, (uint8_t)(3 * i), 500);
    }
    net_host_flood(false);
    print("pairs came and went under traffic\n");
}

/* Lives that end in the middle of traffic on all pairs, and are not alike. */
static void check_lives(void)
{
    for (unsigned i = 0; i < 20; i++) {
        bool multi = i % 3 != 2;

        start(multi ? FEATURES : i % 2 ? NET_CONTROL : 0);
        if (i == 0)
            net_host_flood(true);
        unsigned active = multi ? 1 + i % net.pairs : 1;
        if (multi)
            CHECK(net_set_pairs((uint16_t)active) == CONTROL_OK, active);
        if (i % 4 == 0)
            for (unsigned pair = 0; pair < active; pair++)
                net_ping_patiently(pair, (uint8_t)(5 * i), 700);
        post_everywhere(active, (uint8_t)i);
    }
    start(FEATURES);
    net_host_flood(false);
    for (uint8_t i = 0; i < 20; i++)
        net_ping_patiently(0, (uint8_t)(2 * i), 100);
    print("and after many lives\n");
}

/* 5.1.6.5.5: what is no number of pairs is refused, and changes nothing. */
static void check_refusals(void)
{
    static const uint16_t bad[] = {0, 9, 0x8000, 65535};

    start(FEATURES);
    CHECK(net_set_pairs((uint16_t)net.pairs) == CONTROL_OK, net.pairs);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(net_set_pairs(bad[i]) == CONTROL_ERROR, bad[i]);
    CHECK(net_set_pairs((uint16_t)(net.pairs + 1)) == CONTROL_ERROR, net.pairs);
    for (unsigned pair = 0; pair < net.pairs; pair++)
        check_pair(pair);
    start(NET_CONTROL);
    CHECK(net_set_pairs(1) == CONTROL_ERROR, 0); /* without MQ there is no such command */
    net_ping(0, 1, 100);
    print("other numbers are refused\n");
}

void guest_main(void)
{
    net_open();
    CHECK(net_pairs() > 1, net_pairs());
    interrupts_enable();
    check_all_pairs();
    check_refusals();
    check_changes(0);
    check_changes(FEATURE_EVENT_INDEX | NET_MERGEABLE);
    check_lives();
    power_off();
}
