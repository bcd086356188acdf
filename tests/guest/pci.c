/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walks the bus, sizes and moves the network card's BAR, and reads its MAC address at each place.
 */
#include "virtio.h"

enum { MOVED = 0xd0000000u };

static void check_absent(void)
{
    for (unsigned slot = 2; slot < 32; slot++)
        CHECK(read32(ECAM + (slot << 15)) == 0xffffffff, slot);
    for (unsigned function = 1; function < 8; function++)
        CHECK(read32(ECAM + (1 << 15) + (function << 12)) == 0xffffffff, function);
}

static void check_mac(const struct virtio *virtio)
{
    static const uint8_t mac[] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

    for (unsigned i = 0; i < 6; i++)
        CHECK(read8(virtio->device + i) == mac[i], i);
}

void guest_main(void)
{
    struct virtio virtio;
    uint64_t bar;

    CHECK(read32(ECAM) != 0xffffffff, read32(ECAM)); /* the host bridge */
    CHECK(read32(ECAM + 8) >> 8 == 0x060000, read32(ECAM + 8));
    check_absent();
    CHECK(virtio_find(&virtio), 0);
    CHECK(read32(virtio.config + 8) >> 8 == 0x020000, read32(virtio.config + 8));
    bar = virtio.config + 0x10;

    uint32_t placed = read32(bar);
    CHECK(placed >= PCI_WINDOW && placed < PCI_WINDOW + 0x20000000, placed);
    write32(bar, 0xffffffff);
    uint32_t size = -(read32(bar) & ~15u);
    CHECK(size >= 0x4000 && (size & (size - 1)) == 0, size);
    write32(bar, placed);
    CHECK(read32(bar) == placed, read32(bar));
    check_mac(&virtio);
    CHECK(read32(placed + size - 4) == 0, size); /* the last register, and the first after it */
    CHECK(read32(placed + size) == 0xffffffff, size);

    write32(bar, MOVED);
    CHECK(read32(placed) == 0xffffffff, read32(placed));
    CHECK(virtio_find(&virtio), 0);
    CHECK(virtio.bar == MOVED, virtio.bar);
    check_mac(&virtio);
    write16(virtio.config + 4, 0); /* decoding off */
    CHECK(read32(MOVED) == 0xffffffff, read32(MOVED));
    write16(virtio.config + 4, 6);
    check_mac(&virtio);
    write32(bar, 0x00100000); /* over RAM, where it must not answer */
    write32(0x00100000, 0x12345678);
    CHECK(read32(0x00100000) == 0x12345678, read32(0x00100000));
    write32(bar, placed);
    CHECK(virtio_find(&virtio), 0);
    check_mac(&virtio);
    print("the bus is in order\n");
    power_off();
}
