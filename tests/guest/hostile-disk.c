/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk's driver that breaks every rule, also in the middle of I/O. After each, a reset must bring
 * the device back, and the sectors that nobody named must be as they were. */
#include "virtio.h"

enum {
    VIRTIO_TYPE_BLOCK = 2,
    SECTORS = 2048, /* 1 MiB */
    SECTOR = 512,
    KEPT = 100, /* written once, by a good driver */

    TYPE_IN = 0,
    TYPE_OUT = 1,
    TYPE_FLUSH = 4,
    STATUS_OK = 0,
    STATUS_IOERR = 1,
    NO_ANSWER = 0xee,
};

#define FEATURE_INDIRECT (1ul << 28)

static struct virtio disk;
static struct descriptor table[4] __attribute__((aligned(16)));
static struct {
    uint32_t type, priority;
    uint64_t sector;
} headers[64]; /* more room than is needed: some of it is overwritten */
static uint8_t data[64 * SECTOR] __attribute__((aligned(4096)));
static volatile uint8_t statuses[RING_SIZE];

static void start(void)
{
    virtio_reset(&disk);
    virtio_negotiate(&disk, FEATURE_INDIRECT);
    virtio_set_ring(&disk, 0);
    virtio_set_ready(&disk);
}

static void head(unsigned i, uint32_t type, uint64_t sector, uint16_t next)
{
    headers[i].type = type;
    headers[i].sector = sector;
    statuses[i] = NO_ANSWER;
    ring_describe(0, i, (uint64_t)&headers[i], sizeof(headers[i]), DESCRIPTOR_NEXT, next);
}

/* A moment, without the instruction that some hypervisors take for a wish to sleep. */
static void moment(unsigned n)
{
    while (n-- > 0)
        __asm__ volatile("" : : : "memory");
}

static uint8_t request(uint32_t type, uint64_t sector, uint8_t *buffer, uint32_t length)
{
    head(0, type, sector, 1);
    ring_describe(0, 1, (uint64_t)buffer, length,
                  DESCRIPTOR_NEXT | (type == TYPE_IN ? DESCRIPTOR_WRITE : 0), 2);
    ring_describe(0, 2, (uint64_t)&statuses[0], 1, DESCRIPTOR_WRITE, 0);
    ring_offer(&disk, 0, 0);
    (void)ring_wait(&disk, 0);
    return statuses[0];
}

static void check_kept(void)
{
    memset(data, 0, sizeof(data));
    CHECK(request(TYPE_IN, KEPT, data, sizeof(data)) == STATUS_OK, statuses[0]);
    for (unsigned i = 0; i < sizeof(data); i++)
        CHECK(data[i] == 'k', i << 8 | data[i]);
}

static void jump(void)
{
    head(0, TYPE_IN, KEPT, 1);
    rings[0].available.index = 1000;
    virtio_notify(&disk, 0);
}

static void bad_head(void)
{
    ring_offer(&disk, 0, RING_SIZE);
}

static void circle(void)
{
    head(0, TYPE_IN, KEPT, 1);
    ring_describe(0, 1, (uint64_t)data, SECTOR, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 2);
    ring_describe(0, 2, (uint64_t)data, SECTOR, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 1);
    ring_offer(&disk, 0, 0);
}

/* A write of LENGTH bytes at ADDRESS, and its status at STATUS. */
static void write_of(uint64_t address, uint32_t length, uint64_t status)
{
    head(0, TYPE_OUT, KEPT, 1);
    ring_describe(0, 1, address, length, DESCRIPTOR_NEXT, 2);
    ring_describe(0, 2, status, 1, DESCRIPTOR_WRITE, 0);
    ring_offer(&disk, 0, 0);
}

static void data_beyond(void)
{
    write_of(0xb0000000, SECTOR, (uint64_t)&statuses[0]);
}

static void data_over_the_end(void)
{
    write_of(UINT64_MAX - 50, SECTOR, (uint64_t)&statuses[0]);
}

static void data_huge(void)
{
    write_of((uint64_t)data, 0xfffffe00, (uint64_t)&statuses[0]);
}

static void data_registers(void)
{
    write_of(disk.bar, SECTOR, (uint64_t)&statuses[0]);
}

static void status_beyond(void)
{
    write_of((uint64_t)data, SECTOR, 0xb0000000);
}

static void status_registers(void)
{
    write_of((uint64_t)data, SECTOR, disk.common + COMMON_STATUS);
}

static void header_beyond(void)
{
    ring_describe(0, 0, 0xffffffff00000000, 16, DESCRIPTOR_NEXT, 1);
    ring_describe(0, 1, (uint64_t)&statuses[0], 1, DESCRIPTOR_WRITE, 0);
    ring_offer(&disk, 0, 0);
}

static void no_status(void)
{
    head(0, TYPE_FLUSH, 0, 0);
    rings[0].descriptors[0].flags = 0;
    ring_offer(&disk, 0, 0);
}

static void write_then_read(void)
{
    ring_describe(0, 0, (uint64_t)&statuses[0], 1, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 1);
    ring_describe(0, 1, (uint64_t)&headers[0], sizeof(headers[0]), 0, 0);
    ring_offer(&disk, 0, 0);
}

static void table_in_table(void)
{
    table[0] = (struct descriptor){(uint64_t)table, sizeof(table), DESCRIPTOR_INDIRECT, 0};
    ring_describe(0, 0, (uint64_t)table, sizeof(table), DESCRIPTOR_INDIRECT, 0);
    ring_offer(&disk, 0, 0);
}

static void circle_in_table(void)
{
    table[0] = (struct descriptor){(uint64_t)&headers[0], 16, DESCRIPTOR_NEXT, 0};
    ring_describe(0, 0, (uint64_t)table, sizeof(table), DESCRIPTOR_INDIRECT, 0);
    ring_offer(&disk, 0, 0);
}

static void endless_table(void)
{
    ring_describe(0, 0, (uint64_t)table, 0xfffffff0, DESCRIPTOR_INDIRECT, 0);
    ring_offer(&disk, 0, 0);
}

/* Good requests are under way when the bad one comes. */
static void bad_among_good(void)
{
    for (uint16_t i = 0; i < 4; i++) {
        head(i * 3u, TYPE_IN, KEPT, (uint16_t)(i * 3 + 1));
        ring_describe(0, i * 3u + 1, (uint64_t)data + i * 4096u, 4096,
                      DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, (uint16_t)(i * 3 + 2));
        ring_describe(0, i * 3u + 2, (uint64_t)&statuses[i], 1, DESCRIPTOR_WRITE, 0);
        ring_add(0, (uint16_t)(i * 3));
    }
    ring_offer(&disk, 0, RING_SIZE);
}

static const struct {
    const char *name;
    void (*attack)(void);
} attacks[] = {
    {"an index that jumps", jump},
    {"a head that is not there", bad_head},
    {"a circle", circle},
    {"data beyond memory", data_beyond},
    {"data over the end of the world", data_over_the_end},
    {"data without end", data_huge},
    {"the device's registers as data", data_registers},
    {"a status beyond memory", status_beyond},
    {"a status in the device's registers", status_registers},
    {"a header beyond memory", header_beyond},
    {"no status", no_status},
    {"writable before readable", write_then_read},
    {"a table in a table", table_in_table},
    {"a circle in a table", circle_in_table},
    {"a table without end", endless_table},
    {"a bad request among good ones", bad_among_good},
};

static void run_attacks(void)
{
    for (unsigned i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        start();
        check_kept();
        memset(data, 'x', sizeof(data));
        attacks[i].attack();
        virtio_wait_broken(&disk, attacks[i].name);
        print("ok: ");
        print(attacks[i].name);
        print("\n");
    }
    start();
    check_kept();
}

/* What is read lands on the ring itself, on its own header, and on its own status. */
static void run_overlaps(void)
{
    void *const places[] = {&rings[0], &rings[0].available, &rings[0].used, &headers[0]};

    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        start();
        head(0, TYPE_IN, KEPT, 1);
        ring_describe(0, 1, (uint64_t)places[i], SECTOR, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 2);
        ring_describe(0, 2, (uint64_t)places[i] + 5, 1, DESCRIPTOR_WRITE, 0);
        ring_offer(&disk, 0, 0);
        for (unsigned n = 0; n < 10; n++) {
            virtio_notify(&disk, 0);
            moment(5000);
        }
    }
    start();
    check_kept();
    print("ok: reads over the rings\n");
}

/* As many requests as the ring has room for are under way when the reset comes: none of them may
 * touch memory after that. */
static void run_resets(void)
{
    for (unsigned round = 0; round < 100; round++) {
        start();
        for (uint16_t i = 0; i < 5; i++) {
            head(i * 3u, round % 3 ? TYPE_IN : TYPE_FLUSH, KEPT, (uint16_t)(i * 3 + 1));
            if (round % 3)
                ring_describe(0, i * 3u + 1, (uint64_t)data + i * 4096u, 4096,
                              DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, (uint16_t)(i * 3 + 2));
            else
                rings[0].descriptors[i * 3].next = (uint16_t)(i * 3 + 2);
            ring_describe(0, i * 3u + 2, (uint64_t)&statuses[i], 1, DESCRIPTOR_WRITE, 0);
            ring_add(0, (uint16_t)(i * 3));
        }
        virtio_notify(&disk, 0);
        moment((round % 16) * 500);
        virtio_reset(&disk);
        memset(data, 0x33, sizeof(data));
        moment(20000);
        for (unsigned i = 0; i < sizeof(data); i++)
            CHECK(data[i] == 0x33, i << 8 | data[i]);
    }
    start();
    check_kept();
    print("ok: resets in the middle of I/O\n");
}

static void run_bad_sectors(void)
{
    start();
    for (unsigned shift = 11; shift < 64; shift++) {
        CHECK(request(TYPE_OUT, 1ul << shift, data, SECTOR) == STATUS_IOERR, shift);
        CHECK(request(TYPE_IN, ~0ul << shift, data, SECTOR) == STATUS_IOERR, shift);
    }
    CHECK(request(TYPE_IN, SECTORS - 1, data, 2 * SECTOR) == STATUS_IOERR, 0);
    check_kept();
    print("ok: bad sectors\n");
}

void guest_main(void)
{
    CHECK(virtio_find_type(VIRTIO_TYPE_BLOCK, &disk), 0);
    start();
    memset(data, 'k', sizeof(data));
    CHECK(request(TYPE_OUT, KEPT, data, sizeof(data)) == STATUS_OK, statuses[0]);
    run_attacks();
    run_overlaps();
    run_resets();
    run_bad_sectors();
    print("the device survived\n");
    power_off();
}
