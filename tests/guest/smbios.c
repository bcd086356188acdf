/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks for the SMBIOS entry point as a kernel does, walks the structures, and prints what they
 * say. */
#include "guest.h"

enum { SEGMENT_START = 0xf0000, SEGMENT_END = 0x100000, STRUCTURES_MAX = 16 };

static const uint8_t *find_entry_point(void)
{
    for (uint64_t at = SEGMENT_START; at < SEGMENT_END; at += 16) {
        const uint8_t *entry = (const uint8_t *)at;
        uint8_t sum = 0;

        if (memcmp(entry, "_SM3_", 5) != 0)
            continue;
        for (unsigned i = 0; i < entry[6]; i++)
            sum += entry[i];
        if (sum == 0)
            return entry;
    }
    return NULL;
}

/* Prints the strings at TEXT, up to the empty one, and returns how many there were. */
static unsigned print_strings(const char **text, const char *end)
{
    unsigned n = 0;

    while (**text) {
        print("'");
        print(*text);
        print("'\n");
        while (*(*text)++)
            CHECK(*text < end, *text);
        n++;
    }
    *text += n == 0 ? 2 : 1;
    return n;
}

void guest_main(void)
{
    const uint8_t *entry = find_entry_point();
    CHECK(entry != NULL, 0);
    const char *at = (const char *)read64((uint64_t)entry + 16);
    const char *end = at + read32((uint64_t)entry + 12);

    for (unsigned i = 0; i < STRUCTURES_MAX && at < end; i++) {
        const uint8_t *structure = (const uint8_t *)at;

        CHECK(structure[2] == i, structure[2]); /* the handle */
        if (structure[0] == 1) {
            print("UUID: ");
            for (unsigned k = 8; k < 24; k++) {
                out8(PORT_SERIAL, (uint8_t) "0123456789abcdef"[structure[k] >> 4]);
                out8(PORT_SERIAL, (uint8_t) "0123456789abcdef"[structure[k] & 15]);
            }
            print("\n");
        }
        at += structure[1];
        unsigned n = print_strings(&at, end);
        if (structure[0] == 11)
            CHECK(structure[4] == n, n);
        if (structure[0] == 127) {
            CHECK(at == end, end - at);
            print("the tables are in order\n");
            power_off();
        }
    }
    fail("there is no end", 0);
}
