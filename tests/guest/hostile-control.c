/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The control queue: commands of every class, number and length, and chains that are none. */
#include "hostile.h"

enum { SIZES = 20 };

static uint8_t bytes[256], answer[8];

static void start(uint64_t features)
{
    net_start(&(struct net_wish){.features = features & virtio_offered(&net.virtio),
                                 .receive_size = 2048});
}

/* N bytes in descriptors of PIECE bytes; then IN bytes for the answer, in one descriptor each. */
static void offer_command(uint32_t n, uint32_t piece, unsigned in)
{
    uint16_t at = 0;

    for (uint32_t done = 0; done < n; done += piece, at++)
        ring_describe(net.control, at, (uint64_t)bytes + done, n - done < piece ? n - done : piece,
                      DESCRIPTOR_NEXT, (uint16_t)(at + 1));
    for (unsigned i = 0; i < in; i++, at++)
        ring_describe(net.control, at, (uint64_t)&answer[i], 1, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE,
                      (uint16_t)(at + 1));
    if (at > 0)
        rings[net.control].descriptors[at - 1].flags &= (uint16_t)~DESCRIPTOR_NEXT;
    ring_offer(&net.virtio, net.control, 0);
}

/* 1 where the command is one of those that the driver may give. */
static bool may_succeed(uint8_t class, uint8_t command, uint32_t n)
{
    return command == 0 && ((class == CONTROL_PAIRS && n == 4) ||
                            (class == CONTROL_OFFLOADS && n == 10) || class == CONTROL_ANNOUNCE);
}

/* Each gets an answer, of one byte, whatever it is. */
static void run_commands(uint64_t features)
{
    static const uint8_t commands[] = {0, 1, 2, 3, 255};

    start(features | NET_CONTROL);
    for (unsigned class = 0; class < 256; class += class < 8 ? 1 : 31) {
        for (unsigned i = 0; i < sizeof(commands); i++) {
            for (uint32_t n = 2; n < SIZES; n++) {
                memset(bytes, n % 3 ? 0xff : 0, sizeof(bytes));
                bytes[0] = (uint8_t) class;
                bytes[1] = commands[i];
                answer[0] = answer[1] = 0xee;
                offer_command(n, n % 4 ? SIZES : 2, 1 + n % 2);
                unsigned at = ring_wait(&net.virtio, net.control);
                CHECK(rings[net.control].used.ring[at].length == 1, class);
                CHECK(answer[0] == CONTROL_ERROR ||
                          (answer[0] == CONTROL_OK && may_succeed((uint8_t) class, commands[i], n)),
                      class << 16 | i << 8 | answer[0]);
                CHECK(answer[1] == 0xee, class);
            }
        }
    }
    net_ping_patiently(0, 1, 100);
}

/* Numbers of pairs that are not there, or whose queues the driver did not set up. */
static void run_pairs(void)
{
    unsigned pairs = net_pairs();

    if (pairs == 1)
        return;
    virtio_reset(&net.virtio);
    virtio_negotiate(&net.virtio, NET_CONTROL | NET_MULTI_QUEUE);
    virtio_set_ring(&net.virtio, 0);
    virtio_set_ring(&net.virtio, 1);
    virtio_set_ring(&net.virtio, 2); /* half of the second pair */
    virtio_set_ring(&net.virtio, 2 * pairs);
    virtio_set_ready(&net.virtio);
    net.control = 2 * pairs;
    for (unsigned n = 2; n < 65536; n = n * 2 - 1)
        CHECK(net_set_pairs((uint16_t)n) == CONTROL_ERROR, n);
    CHECK(net_set_pairs(0) == CONTROL_ERROR, 0);
    CHECK(net_set_pairs(1) == CONTROL_OK, 1);
    for (unsigned queue = 0; queue < 2 * pairs; queue++)
        virtio_notify(&net.virtio, queue);
    print("ok: pairs that were not set up\n");
}

/* What is sent on pairs that are not on. */
static void run_silent_pairs(void)
{
    start(NET_CONTROL | NET_MULTI_QUEUE);
    if (net.pairs == 1)
        return;
    net_host_flood(true);
    for (unsigned i = 0; i < 30; i++) {
        for (unsigned pair = 1; pair < net.pairs; pair++)
            for (uint16_t slot = 0; slot < RING_SIZE; slot++)
                if (i == 0 || rings[2 * pair + 1].used.index == rings[2 * pair + 1].available.index)
                    net_post(pair, slot, (uint8_t)i, 200);
        CHECK(net_set_pairs((uint16_t)(1 + i % net.pairs)) == CONTROL_OK, i);
    }
    net_host_flood(false);
    net_ping_patiently(0, 1, 100);
    print("ok: sending on silent pairs\n");
}

/* Offloads that were never agreed on. */
static void run_offloads(void)
{
    uint64_t agreed = NET_GUEST_CSUM | NET_GUEST_TSO4;

    start(NET_CONTROL | NET_GUEST_OFFLOADS | agreed);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t mask = 1ul << bit;
        uint8_t expected = mask & agreed ? CONTROL_OK : CONTROL_ERROR;

        CHECK(net_control(CONTROL_OFFLOADS, CONTROL_OFFLOADS_SET, &mask, 8) == expected, bit);
        mask |= agreed;
        CHECK(net_control(CONTROL_OFFLOADS, CONTROL_OFFLOADS_SET, &mask, 8) == expected, bit);
    }
    net_ping_patiently(0, 1, 100);
    print("ok: offloads that nobody agreed on\n");
}

static void no_room(void)
{
    offer_command(4, 4, 0);
}

static void nothing_but_room(void)
{
    offer_command(0, 1, 3);
    /* An answer is possible, and is an error; the next has none. */
    (void)ring_wait(&net.virtio, net.control);
    CHECK(answer[0] == CONTROL_ERROR, answer[0]);
    no_room();
}

static void one_byte(void)
{
    offer_command(1, 1, 1);
    (void)ring_wait(&net.virtio, net.control);
    CHECK(answer[0] == CONTROL_ERROR, answer[0]);
    ring_describe(net.control, 0, (uint64_t)bytes, 0, DESCRIPTOR_NEXT, 1);
    ring_offer(&net.virtio, net.control, 0);
}

static void circle(void)
{
    offer_command(4, 1, 1);
    (void)ring_wait(&net.virtio, net.control);
    ring_describe(net.control, 1, (uint64_t)bytes, 1, DESCRIPTOR_NEXT, 0);
    ring_offer(&net.virtio, net.control, 0);
}

static void jump(void)
{
    rings[net.control].available.index += 1000;
    virtio_notify(&net.virtio, net.control);
}

static void registers_for_the_answer(void)
{
    offer_command(4, 4, 1);
    (void)ring_wait(&net.virtio, net.control);
    ring_describe(net.control, 1, net.virtio.bar, 1, DESCRIPTOR_WRITE, 0);
    ring_offer(&net.virtio, net.control, 0);
}

static const struct {
    const char *name;
    void (*attack)(void);
} attacks[] = {
    {"no room for the answer", no_room},
    {"nothing but room for the answer", nothing_but_room},
    {"half a header, and nothing", one_byte},
    {"a circle", circle},
    {"an index that jumps", jump},
    {"registers for the answer", registers_for_the_answer},
};

static void run_attacks(void)
{
    for (unsigned i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        start(NET_CONTROL | (i % 2 ? NET_MULTI_QUEUE : 0));
        attacks[i].attack();
        virtio_wait_broken(&net.virtio, attacks[i].name);
        print("ok: ");
        print(attacks[i].name);
        print("\n");
    }
    start(0);
    net_ping_patiently(0, 1, 100);
}

/* Commands that come with, before and after a reset. */
static void run_resets(void)
{
    for (unsigned i = 0; i < 300; i++) {
        start(NET_CONTROL | (i % 2 ? NET_MULTI_QUEUE : 0));
        memcpy(bytes, "\4\0\1\0", 4);
        offer_command(4, 4, 1);
        for (unsigned k = 0; k < i % 16 * 50; k++)
            relax();
        if (i % 3)
            write8(net.virtio.common + COMMON_STATUS, 0);
        for (unsigned queue = 0; queue <= net.control; queue++)
            virtio_notify(&net.virtio, net.control - queue);
    }
    start(0);
    net_ping_patiently(0, 1, 100);
    print("ok: commands in a reset\n");
}

void guest_main(void)
{
    uint32_t kilobytes = hostile_begin();

    run_commands(0);
    run_commands(NET_MULTI_QUEUE | NET_GUEST_OFFLOADS | NET_STATUS | NET_ANNOUNCE | NET_GUEST_CSUM);
    print("ok: commands of all kinds\n");
    run_pairs();
    run_silent_pairs();
    run_offloads();
    run_attacks();
    run_resets();
    hostile_end(kilobytes);
}
