/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Believes the memory map: writes to both ends of each range of RAM, and reads all back at the end.
 */
#include "guest.h"

enum {
    E820_COUNT = ZERO_PAGE + 0x1e8,
    E820_TABLE = ZERO_PAGE + 0x2d0,
    E820_ENTRY = 20,
    PDPT = 0x9000 + 4096,
    HIGH_GIB = 4, /* maps 4 to 8 GiB */
};

static uint64_t directories[HIGH_GIB][512] __attribute__((aligned(4096)));

static void map_high_memory(void)
{
    for (uint64_t gib = 0; gib < HIGH_GIB; gib++) {
        for (uint64_t i = 0; i < 512; i++)
            directories[gib][i] = (4 + gib) << 30 | i << 21 | 0x83;
        write64(PDPT + (4 + gib) * 8, (uint64_t)directories[gib] | 3);
    }
    uint64_t cr3;
    __asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "memory");
}

static uint64_t mark(uint64_t address)
{
    return address * 0x9e3779b97f4a7c15u + 1;
}

void guest_main(void)
{
    uint64_t total = 0, last = 0;
    unsigned n = read8(E820_COUNT);

    map_high_memory();
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < n; i++) {
            uint64_t entry = E820_TABLE + i * E820_ENTRY;
            uint64_t start = read64(entry), size = read64(entry + 8), end = start + size;

            if (read32(entry + 16) != 1)
                continue;
            if (start < 0x100000) /* where the tables stand that we need */
                continue;
            CHECK(start >= last || pass > 0, start);
            last = end;
            total += pass == 0 ? size : 0;
            uint64_t places[] = {start, start + size / 2, end - 8};
            for (unsigned k = 0; k < 3; k++) {
                if (pass == 0)
                    write64(places[k], mark(places[k]));
                else
                    CHECK(read64(places[k]) == mark(places[k]), places[k]);
            }
        }
    }
    print("MiB: ");
    print_hex((total >> 20) + 1);
    print("\n");
    power_off();
}
