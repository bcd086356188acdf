/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A driver that breaks every rule of the ring. After each, a reset must bring the device back. */
#include "hostile.h"

static struct descriptor table[4] __attribute__((aligned(16)));

static void jump(void)
{
    ring_describe(1, 0, (uint64_t)buffers[1][0], 100, 0, 0);
    rings[1].available.index = 1000;
    virtio_notify(&net.virtio, 1);
}

static void bad_head(void)
{
    ring_offer(&net.virtio, 1, RING_SIZE);
}

static void circle(void)
{
    ring_describe(1, 0, (uint64_t)buffers[1][0], 100, DESCRIPTOR_NEXT, 1);
    ring_describe(1, 1, (uint64_t)buffers[1][0], 100, DESCRIPTOR_NEXT, 0);
    ring_offer(&net.virtio, 1, 0);
}

static void beyond(void)
{
    ring_describe(1, 0, 0xb0000000, 100, 0, 0);
    ring_offer(&net.virtio, 1, 0);
}

static void overflow(void)
{
    ring_describe(1, 0, UINT64_MAX - 50, 100, 0, 0);
    ring_offer(&net.virtio, 1, 0);
}

static void registers_as_buffer(void)
{
    ring_describe(1, 0, net.virtio.bar, 100, 0, 0);
    ring_offer(&net.virtio, 1, 0);
}

static void nothing(void)
{
    ring_describe(1, 0, (uint64_t)buffers[1][0], 0, 0, 0);
    ring_offer(&net.virtio, 1, 0);
}

static void bad_next(void)
{
    ring_describe(1, 0, (uint64_t)buffers[1][0], 100, DESCRIPTOR_NEXT, 999);
    ring_offer(&net.virtio, 1, 0);
}

static void write_then_read(void)
{
    ring_describe(1, 0, (uint64_t)buffers[1][0], 100, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 1);
    ring_describe(1, 1, (uint64_t)buffers[1][1], 100, 0, 0);
    ring_offer(&net.virtio, 1, 0);
}

static void table_in_table(void)
{
    table[0] = (struct descriptor){(uint64_t)table, sizeof(table), DESCRIPTOR_INDIRECT, 0};
    ring_describe(1, 0, (uint64_t)table, sizeof(table), DESCRIPTOR_INDIRECT, 0);
    ring_offer(&net.virtio, 1, 0);
}

static void circle_in_table(void)
{
    table[0] = (struct descriptor){(uint64_t)buffers[1][0], 10, DESCRIPTOR_NEXT, 0};
    ring_describe(1, 0, (uint64_t)table, sizeof(table), DESCRIPTOR_INDIRECT, 0);
    ring_offer(&net.virtio, 1, 0);
}

static void endless_table(void)
{
    ring_describe(1, 0, (uint64_t)table, 0xfffffff0, DESCRIPTOR_INDIRECT, 0);
    ring_offer(&net.virtio, 1, 0);
}

static void short_frame(void)
{
    ring_describe(1, 0, (uint64_t)buffers[1][0], 13, 0, 0);
    ring_offer(&net.virtio, 1, 0);
}

static void read_only_receive(void)
{
    for (unsigned i = 0; i < RING_SIZE; i++)
        ring_describe(0, i, (uint64_t)buffers[0][i], BUFFER_MAX, 0, 0);
    /* The device already holds one good buffer, which the first answer uses up. */
    for (unsigned i = 0; i < 3; i++) {
        ring_describe(1, i, (uint64_t)buffers[1][0], 100, 0, 0);
        ring_offer(&net.virtio, 1, (uint16_t)i);
    }
}

/* All rings in one place: what the device writes is what it reads. */
static void rings_upon_rings(void)
{
    uint64_t at = (uint64_t)buffers[2];

    memset(buffers[2], 0xff, BUFFER_MAX);
    virtio_reset(&net.virtio);
    virtio_negotiate(&net.virtio, 0);
    virtio_set_queue(&net.virtio, 0, at, at, at);
    virtio_set_queue(&net.virtio, 1, at, at + 2, at);
    virtio_set_ready(&net.virtio);
    virtio_notify(&net.virtio, 1);
}

static const struct {
    const char *name;
    void (*attack)(void);
} attacks[] = {
    {"an index that jumps", jump},
    {"a head that is not there", bad_head},
    {"a circle", circle},
    {"a buffer beyond memory", beyond},
    {"a buffer over the end of the world", overflow},
    {"the device's registers as a buffer", registers_as_buffer},
    {"an empty buffer", nothing},
    {"a next that is not there", bad_next},
    {"writable before readable", write_then_read},
    {"a table in a table", table_in_table},
    {"a circle in a table", circle_in_table},
    {"a table without end", endless_table},
    {"a frame that is none", short_frame},
    {"receive buffers to read from", read_only_receive},
    {"rings upon rings", rings_upon_rings},
};

/* vhost-net says nothing of some of them, and goes on. */
static void expect_broken(const char *attack)
{
    uint8_t status = 0;

    if (!by_kernel())
        virtio_wait_broken(&net.virtio, attack);
    else
        for (uint64_t begin = cycles();
             !(status & STATUS_NEEDS_RESET) && cycles() - begin < PATIENCE_BRIEF;)
            status = read8(net.virtio.common + COMMON_STATUS);
    print(!by_kernel() || (status & STATUS_NEEDS_RESET) ? "ok: " : "ok, it goes on: ");
    print(attack);
    print("\n");
}

static void run_attacks(void)
{
    for (unsigned i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        net_start_plain(FEATURE_INDIRECT);
        net_ping_patiently(0, 2, 100); /* leaves a good frame in the send buffer */
        attacks[i].attack();
        expect_broken(attacks[i].name);
    }
    net_start_plain(0);
    net_ping_patiently(0, 4, 100);
}

/* Queues where no RAM is, half there, or badly aligned: the device must refuse to start. */
static void run_bad_queues(void)
{
    static const uint64_t places[] = {0xb0000000,         0xc0000000, 0xe0000000, 0x100000000,
                                      0xfffffffffffffff0, 0x7,        0xfee00000};

    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        for (unsigned part = 0; part < 3; part++) {
            uint64_t parts[3] = {(uint64_t)rings[1].descriptors, (uint64_t)&rings[1].available,
                                 (uint64_t)&rings[1].used};

            parts[part] = places[i];
            virtio_reset(&net.virtio);
            virtio_negotiate(&net.virtio, 0);
            virtio_set_queue(&net.virtio, 0, (uint64_t)rings[0].descriptors,
                             (uint64_t)&rings[0].available, (uint64_t)&rings[0].used);
            virtio_set_queue(&net.virtio, 1, parts[0], parts[1], parts[2]);
            virtio_set_ready(&net.virtio);
            virtio_wait_broken(&net.virtio, "queues out of memory are taken");
        }
    }
    print("ok: queues out of memory\n");
}

/* Resets in the middle of work. What is half sent may be lost; the next start must work. */
static void run_resets(void)
{
    for (unsigned i = 0; i < 200; i++) {
        net_start_plain(0);
        for (uint16_t k = 0; k < i % 8; k++) {
            ring_describe(1, k, (uint64_t)buffers[1][0], 112, 0, 0);
            ring_offer(&net.virtio, 1, k);
        }
    }
    net_start_plain(0);
    net_ping_patiently(0, 6, 100);
    print("ok: resets while it works\n");
}

/* Nonsense into each byte of each part of the BAR, in each width; and into configuration space. */
static void run_nonsense(void)
{
    static const uint64_t values[] = {0, UINT64_MAX, 0x8001000180010001, 0x0f0f0f0f0f0f0f0f};

    for (unsigned v = 0; v < 4; v++) {
        net_start_plain(0); /* it runs when that comes */
        for (uint32_t offset = 0; offset < 0x8000; offset += offset % 0x1000 < 0x80 ? 1 : 0x3f) {
            write8(net.virtio.bar + offset, (uint8_t)values[v]);
            write16(net.virtio.bar + offset, (uint16_t)values[v]);
            write32(net.virtio.bar + offset, (uint32_t)values[v]);
            write64(net.virtio.bar + offset, values[v]);
            (void)read64(net.virtio.bar + offset);
            (void)read16(net.virtio.bar + offset);
            (void)read32(net.virtio.bar + offset);
            (void)read8(net.virtio.bar + offset);
        }
        uint32_t bar = read32(net.virtio.config + 0x10);
        for (uint32_t offset = 0; offset < 0x100; offset++) {
            write32(net.virtio.config + offset, (uint32_t)values[v]);
            write8(net.virtio.config + offset, (uint8_t)values[v]);
        }
        write32(net.virtio.config + 0x10, bar);
        CHECK(virtio_find(&net.virtio), v);
    }
    net_start_plain(0);
    net_ping_patiently(0, 8, 100);
    print("ok: nonsense in every register\n");
}

/* Queues of which one half was set up, in all combinations, and no other. */
static void run_half_queues(void)
{
    for (unsigned mask = 0; mask < 8; mask++) {
        virtio_reset(&net.virtio);
        virtio_negotiate(&net.virtio, NET_CONTROL);
        for (unsigned queue = 0; queue < 3; queue++)
            if (mask >> queue & 1)
                virtio_set_ring(&net.virtio, queue);
        virtio_set_ready(&net.virtio);
        for (unsigned queue = 0; queue < 20; queue++)
            virtio_notify(&net.virtio, queue);
        if ((mask & 3) != 3)
            virtio_wait_broken(&net.virtio, "half a pair is taken");
    }
    print("ok: half a pair\n");
}

/* The registers move away under the device, and come back. */
static void run_moves(void)
{
    uint32_t bar = read32(net.virtio.config + 0x10);

    net_start_plain(0);
    net_host_flood(true);
    for (unsigned i = 0; i < 25; i++) {
        for (uint16_t k = 0; k < i % 8; k++)
            net_post(0, k, (uint8_t)i, 100);
        write32(net.virtio.config + 0x10, 0xd0000000 + i * 0x10000);
        virtio_notify(&net.virtio, 1); /* to nobody */
        write16(net.virtio.config + 4, i % 3 ? 6 : 0);
        CHECK(virtio_find(&net.virtio), i);
        for (uint16_t k = 0; k < i % 8; k++)
            virtio_notify(&net.virtio, 1);
        write32(net.virtio.config + 0x10, bar);
        CHECK(virtio_find(&net.virtio), i);
        virtio_notify(&net.virtio, 1);
        for (uint16_t k = 0; k < i % 8; k++)
            (void)ring_wait(&net.virtio, 1);
    }
    net_host_flood(false);
    net_ping_patiently(0, 10, 100);
    print("ok: registers that move\n");
}

void guest_main(void)
{
    uint32_t kilobytes = hostile_begin();

    run_attacks();
    run_bad_queues();
    run_resets();
    run_half_queues();
    run_moves();
    run_nonsense();
    hostile_end(kilobytes);
}
