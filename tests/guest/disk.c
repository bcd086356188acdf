/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk's driver, honest and not: every kind of request, and what is beyond the disk. The host
 * looks at the image afterwards. */
#include "virtio.h"

enum {
    VIRTIO_TYPE_BLOCK = 2,
    FEATURE_FLUSH = 1 << 9,
    FEATURE_DISCARD = 1 << 13,
    FEATURE_WRITE_ZEROES = 1 << 14,
    SECTORS = 2048, /* 1 MiB */
    SECTOR = 512,
    LEFT_BEHIND = 100, /* the sector that the host looks at */

    TYPE_IN = 0,
    TYPE_OUT = 1,
    TYPE_FLUSH = 4,
    TYPE_GET_ID = 8,
    TYPE_DISCARD = 11,
    TYPE_WRITE_ZEROES = 13,

    STATUS_OK = 0,
    STATUS_IOERR = 1,
    STATUS_UNSUPP = 2,
};

static struct virtio disk;
static struct {
    uint32_t type, priority;
    uint64_t sector;
} header;
static struct {
    uint64_t sector;
    uint32_t sectors, flags;
} range;
static uint8_t data[64 * SECTOR] __attribute__((aligned(4096)));
static volatile uint8_t status;

static uint8_t request(uint32_t type, uint64_t sector, void *buffer, uint32_t length, bool in)
{
    uint16_t last = length > 0 ? 2 : 1;

    header.type = type;
    header.sector = sector;
    status = 0xee;
    ring_describe(0, 0, (uint64_t)&header, sizeof(header), DESCRIPTOR_NEXT, 1);
    if (length > 0)
        ring_describe(0, 1, (uint64_t)buffer, length, DESCRIPTOR_NEXT | (in ? DESCRIPTOR_WRITE : 0),
                      2);
    ring_describe(0, last, (uint64_t)&status, 1, DESCRIPTOR_WRITE, 0);
    ring_offer(&disk, 0, 0);
    (void)ring_wait(&disk, 0);
    return status;
}

static void start(void)
{
    virtio_reset(&disk);
    virtio_negotiate(&disk, FEATURE_FLUSH | FEATURE_DISCARD | FEATURE_WRITE_ZEROES);
    virtio_set_ring(&disk, 0);
    virtio_set_ready(&disk);
}

static void check_data(uint8_t value, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        CHECK(data[i] == value, i << 8 | data[i]);
}

static void check_good(void)
{
    memset(data, 'v', sizeof(data));
    CHECK(request(TYPE_OUT, LEFT_BEHIND, data, sizeof(data), false) == STATUS_OK, status);
    CHECK(request(TYPE_FLUSH, 0, NULL, 0, false) == STATUS_OK, status);
    memset(data, 0, sizeof(data));
    CHECK(request(TYPE_IN, LEFT_BEHIND, data, sizeof(data), true) == STATUS_OK, status);
    check_data('v', 0, sizeof(data));

    range.sector = LEFT_BEHIND + 8;
    range.sectors = 8;
    CHECK(request(TYPE_DISCARD, 0, &range, sizeof(range), false) == STATUS_OK, status);
    range.sector = LEFT_BEHIND + 17;
    range.sectors = 3;
    CHECK(request(TYPE_WRITE_ZEROES, 0, &range, sizeof(range), false) == STATUS_OK, status);
    CHECK(request(TYPE_IN, LEFT_BEHIND, data, sizeof(data), true) == STATUS_OK, status);
    check_data('v', 0, 8 * SECTOR);
    check_data('v', 16 * SECTOR, 17 * SECTOR);
    check_data(0, 17 * SECTOR, 20 * SECTOR);
    check_data('v', 20 * SECTOR, sizeof(data));
    CHECK(request(TYPE_GET_ID, 0, data, 20, true) == STATUS_OK, status);
    CHECK(equal((const char *)data, "root"), data[0]);
}

static void check_beyond(void)
{
    static const uint64_t sectors[] = {SECTORS - 63, SECTORS, 1ul << 55, ~0ul, 1ul << 63};

    for (unsigned i = 0; i < sizeof(sectors) / sizeof(sectors[0]); i++) {
        CHECK(request(TYPE_OUT, sectors[i], data, sizeof(data), false) == STATUS_IOERR, i);
        CHECK(request(TYPE_IN, sectors[i], data, sizeof(data), true) == STATUS_IOERR, i);
        range.sector = sectors[i];
        range.sectors = 64;
        CHECK(request(TYPE_DISCARD, 0, &range, sizeof(range), false) == STATUS_IOERR, i);
        CHECK(request(TYPE_WRITE_ZEROES, 0, &range, sizeof(range), false) == STATUS_IOERR, i);
    }
    CHECK(request(TYPE_OUT, 0, data, 513, false) == STATUS_IOERR, status);
    CHECK(request(TYPE_IN, 0, data, SECTOR, false) == STATUS_IOERR, status);
    CHECK(request(TYPE_OUT, 0, data, SECTOR, true) == STATUS_IOERR, status);
    for (uint32_t type = 14; type < 64; type++)
        CHECK(request(type, 0, data, SECTOR, true) == STATUS_UNSUPP, type);
}

static void check_broken(void)
{
    for (uint32_t length = 1; length <= sizeof(header); length++) {
        start();
        /* Too short a header; in the end a whole one, and no room for a status. */
        ring_describe(0, 0, (uint64_t)&header, length,
                      length < sizeof(header) ? DESCRIPTOR_NEXT : 0, 1);
        ring_describe(0, 1, (uint64_t)&status, 1, DESCRIPTOR_WRITE, 0);
        ring_offer(&disk, 0, 0);
        virtio_wait_broken(&disk, "a request is broken");
    }
}

void guest_main(void)
{
    CHECK(virtio_find_type(VIRTIO_TYPE_BLOCK, &disk), 0);
    CHECK(read64(disk.device) == SECTORS, read64(disk.device));
    for (unsigned i = 0; i < 20; i++) {
        start();
        check_good();
        check_beyond();
    }
    check_broken();
    start();
    check_good();
    print("the disk survived\n");
    power_off();
}
