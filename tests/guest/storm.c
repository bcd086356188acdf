/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads and writes every port, all of configuration space, and a sample of all other addresses that
 * are no RAM. */
#include "guest.h"

/* Ports whose writes end the machine, or reach the interrupt controllers that KVM has in the
 * kernel. */
static bool dangerous(unsigned port)
{
    return (port >= PORT_SLEEP_CONTROL - 3 && port <= PORT_RESET) ||
           (port >= PORT_PVPANIC - 3 && port <= PORT_PVPANIC) ||
           (port >= PORT_KEYBOARD - 3 && port <= PORT_KEYBOARD) ||
           (port >= 0xcf8 - 3 && port <= 0xcff);
}

static void storm_ports(void)
{
    for (unsigned port = 0; port < 0x10000; port++) {
        (void)in8((uint16_t)port);
        if (port < 0x1000 || port % 16 == 0) {
            (void)in16((uint16_t)port);
            (void)in32((uint16_t)port);
        }
        if (dangerous(port) || (port >= PORT_SERIAL - 3 && port < PORT_SERIAL + 8))
            continue;
        out8((uint16_t)port, 0xff);
        if (port < 0x1000 || port % 16 == 0) {
            out16((uint16_t)port, 0xa5a5);
            out32((uint16_t)port, 0xffffffff);
        }
    }
    /* The serial port, without noise on the console: in loopback. */
    for (unsigned value = 0; value < 256; value++) {
        out8(PORT_SERIAL + 4, 0x10);
        for (uint16_t port = 0; port < 8; port++) {
            if (port != 4)
                out8(PORT_SERIAL + port, (uint8_t)value);
            (void)in8(PORT_SERIAL + port);
        }
    }
    out8(PORT_SERIAL + 3, 3);
    out8(PORT_SERIAL + 1, 0);
    out8(PORT_SERIAL + 4, 3);
    print("ports: done\n");
}

static void storm_config(void)
{
    for (uint64_t address = ECAM; address < ECAM + 0x100000; address += 4) {
        bool there = read32(address & ~0xffful) != 0xffffffff;

        if (!there && address % 0x400 != 0)
            continue;
        (void)read8(address);
        (void)read16(address);
        write32(address, 0xffffffff);
        write16(address + 2, 0);
        write8(address + 3, 0x55);
    }
    print("configuration space: done\n");
}

static void storm_memory(void)
{
    uint64_t value = 0x9e3779b97f4a7c15;

    for (uint64_t address = PCI_WINDOW; address < 0xfec00000; address += 0x1fff1) {
        value = value * 0x5851f42d4c957f2d + 1;
        (void)read8(address);
        (void)read16(address);
        (void)read32(address);
        (void)read64(address);
        write8(address, (uint8_t)value);
        write16(address, (uint16_t)value);
        write32(address, (uint32_t)value);
        write64(address, value);
    }
    print("memory: done\n");
}

void guest_main(void)
{
    storm_ports();
    storm_config();
    storm_memory();
    print("the storm is over\n");
    power_off();
}
