/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Does what an ordinary guest does, for ever: computes, reads from its disk, touches a register;
 * and says, now and then, how much of it. */
#include "virtio.h"

enum {
    VIRTIO_TYPE_BLOCK = 2,
    SECTOR = 512,
};

#define INTERVAL (1ul << 29) /* cycles */

static struct virtio disk;
static struct {
    uint32_t type, priority;
    uint64_t sector;
} header;
static uint8_t data[SECTOR];
static volatile uint8_t status;

static void read_sector(uint64_t sector)
{
    header.sector = sector;
    ring_describe(0, 0, (uint64_t)&header, sizeof(header), DESCRIPTOR_NEXT, 1);
    ring_describe(0, 1, (uint64_t)data, SECTOR, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 2);
    ring_describe(0, 2, (uint64_t)&status, 1, DESCRIPTOR_WRITE, 0);
    ring_offer(&disk, 0, 0);
    (void)ring_wait(&disk, 0);
    CHECK(status == 0, status);
}

void guest_main(void)
{
    CHECK(virtio_find_type(VIRTIO_TYPE_BLOCK, &disk), 0);
    virtio_reset(&disk);
    virtio_negotiate(&disk, 0);
    virtio_set_ring(&disk, 0);
    virtio_set_ready(&disk);
    for (;;) {
        uint64_t units = 0;

        for (uint64_t begin = cycles(); cycles() - begin < INTERVAL; units++) {
            for (volatile unsigned i = 0; i < 20000; i++)
                ;
            read_sector(units % 64);
            (void)in8(PORT_SERIAL + 7);
        }
        print("units ");
        print_hex(units);
        print("\n");
    }
}
