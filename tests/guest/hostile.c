/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A driver that breaks every rule of the ring. After each, a reset must bring the device back. */
#include "virtio.h"

enum { FEATURE_INDIRECT = 1 << 28 };

static struct virtio virtio;
static struct descriptor table[4] __attribute__((aligned(16)));

static void describe(unsigned queue, unsigned i, uint64_t address, uint32_t length, uint16_t flags,
                     uint16_t next)
{
    rings[queue].descriptors[i] = (struct descriptor){address, length, flags, next};
}

static void jump(void)
{
    describe(1, 0, (uint64_t)buffers[1][0], 100, 0, 0);
    rings[1].available.index = 1000;
    virtio_notify(&virtio, 1);
}

static void bad_head(void)
{
    ring_offer(&virtio, 1, RING_SIZE);
}

static void circle(void)
{
    describe(1, 0, (uint64_t)buffers[1][0], 100, DESCRIPTOR_NEXT, 1);
    describe(1, 1, (uint64_t)buffers[1][0], 100, DESCRIPTOR_NEXT, 0);
    ring_offer(&virtio, 1, 0);
}

static void beyond(void)
{
    describe(1, 0, 0xb0000000, 100, 0, 0);
    ring_offer(&virtio, 1, 0);
}

static void overflow(void)
{
    describe(1, 0, UINT64_MAX - 50, 100, 0, 0);
    ring_offer(&virtio, 1, 0);
}

static void registers_as_buffer(void)
{
    describe(1, 0, virtio.bar, 100, 0, 0);
    ring_offer(&virtio, 1, 0);
}

static void nothing(void)
{
    describe(1, 0, (uint64_t)buffers[1][0], 0, 0, 0);
    ring_offer(&virtio, 1, 0);
}

static void bad_next(void)
{
    describe(1, 0, (uint64_t)buffers[1][0], 100, DESCRIPTOR_NEXT, 999);
    ring_offer(&virtio, 1, 0);
}

static void write_then_read(void)
{
    describe(1, 0, (uint64_t)buffers[1][0], 100, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 1);
    describe(1, 1, (uint64_t)buffers[1][1], 100, 0, 0);
    ring_offer(&virtio, 1, 0);
}

static void table_in_table(void)
{
    table[0] = (struct descriptor){(uint64_t)table, sizeof(table), DESCRIPTOR_INDIRECT, 0};
    describe(1, 0, (uint64_t)table, sizeof(table), DESCRIPTOR_INDIRECT, 0);
    ring_offer(&virtio, 1, 0);
}

static void circle_in_table(void)
{
    table[0] = (struct descriptor){(uint64_t)buffers[1][0], 10, DESCRIPTOR_NEXT, 0};
    describe(1, 0, (uint64_t)table, sizeof(table), DESCRIPTOR_INDIRECT, 0);
    ring_offer(&virtio, 1, 0);
}

static void endless_table(void)
{
    describe(1, 0, (uint64_t)table, 0xfffffff0, DESCRIPTOR_INDIRECT, 0);
    ring_offer(&virtio, 1, 0);
}

static void short_frame(void)
{
    describe(1, 0, (uint64_t)buffers[1][0], 13, 0, 0);
    ring_offer(&virtio, 1, 0);
}

static void read_only_receive(void)
{
    for (unsigned i = 0; i < RING_SIZE; i++)
        describe(0, i, (uint64_t)buffers[0][i], FRAME_MAX, 0, 0);
    /* The device already holds one good buffer, which the first answer uses up. */
    for (unsigned i = 0; i < 3; i++) {
        describe(1, i, (uint64_t)buffers[1][0], 100, 0, 0);
        ring_offer(&virtio, 1, (uint16_t)i);
    }
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
};

static void run_attacks(void)
{
    for (unsigned i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        net_start(&virtio, FEATURE_INDIRECT);
        net_ping(&virtio, 2, 100); /* leaves a good frame in the send buffer */
        attacks[i].attack();
        for (unsigned k = 0; !(read8(virtio.common + COMMON_STATUS) & STATUS_NEEDS_RESET); k++)
            if (k == 1000000)
                fail(attacks[i].name, i);
        print("ok: ");
        print(attacks[i].name);
        print("\n");
    }
    net_start(&virtio, 0);
    net_ping(&virtio, 4, 100);
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
            virtio_reset(&virtio);
            virtio_negotiate(&virtio, 0);
            virtio_set_queue(&virtio, 0, (uint64_t)rings[0].descriptors,
                             (uint64_t)&rings[0].available, (uint64_t)&rings[0].used);
            virtio_set_queue(&virtio, 1, parts[0], parts[1], parts[2]);
            virtio_set_ready(&virtio);
            for (unsigned k = 0; !(read8(virtio.common + COMMON_STATUS) & STATUS_NEEDS_RESET); k++)
                CHECK(k < 1000000, places[i]);
        }
    }
    print("ok: queues out of memory\n");
}

/* Resets in the middle of work. What is half sent may be lost; the next start must work. */
static void run_resets(void)
{
    for (unsigned i = 0; i < 200; i++) {
        net_start(&virtio, 0);
        for (uint16_t k = 0; k < i % 8; k++) {
            describe(1, k, (uint64_t)buffers[1][0], 112, 0, 0);
            ring_offer(&virtio, 1, k);
        }
    }
    net_start(&virtio, 0);
    net_ping(&virtio, 6, 100);
    print("ok: resets while it works\n");
}

/* Nonsense into each byte of each part of the BAR, in each width; and into configuration space. */
static void run_nonsense(void)
{
    static const uint64_t values[] = {0, UINT64_MAX, 0x8001000180010001, 0x0f0f0f0f0f0f0f0f};

    for (unsigned v = 0; v < 4; v++) {
        for (uint32_t offset = 0; offset < 0x8000; offset += offset % 0x1000 < 0x80 ? 1 : 0x3f) {
            write8(virtio.bar + offset, (uint8_t)values[v]);
            write16(virtio.bar + offset, (uint16_t)values[v]);
            write32(virtio.bar + offset, (uint32_t)values[v]);
            (void)read32(virtio.bar + offset);
            (void)read8(virtio.bar + offset);
        }
        uint32_t bar = read32(virtio.config + 0x10);
        for (uint32_t offset = 0; offset < 0x100; offset++) {
            write32(virtio.config + offset, (uint32_t)values[v]);
            write8(virtio.config + offset, (uint8_t)values[v]);
        }
        write32(virtio.config + 0x10, bar);
        CHECK(virtio_find(&virtio), v);
    }
    net_start(&virtio, 0);
    net_ping(&virtio, 8, 100);
    print("ok: nonsense in every register\n");
}

void guest_main(void)
{
    CHECK(virtio_find(&virtio), 0);
    run_attacks();
    run_bad_queues();
    run_resets();
    run_nonsense();
    print("the device survived\n");
    power_off();
}
