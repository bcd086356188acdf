/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Wakes all application processors (Intel SDM 3A, 9.4.4); each counts itself and halts. */
#include "guest.h"

enum {
    TRAMPOLINE = 0x8000,
    COUNTER = 0x8ff0,
    APIC_ID = 0x20,
    APIC_SPURIOUS = 0xf0,
    APIC_COMMAND = 0x300,
    APIC_ALL_BUT_SELF = 3 << 18,
    APIC_ASSERT = 1 << 14,
    APIC_INIT = 5 << 8,
    APIC_STARTUP = 6 << 8,
};

/* cli; xor %ax, %ax; mov %ax, %ds; lock incb 0x8ff0; 1: hlt; jmp 1b */
static const uint8_t code[] = {0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0xf0, 0xfe,
                               0x06, 0xf0, 0x8f, 0xf4, 0xeb, 0xfd};

static void send(uint32_t command)
{
    write32(LOCAL_APIC + APIC_COMMAND, command);
    while (read32(LOCAL_APIC + APIC_COMMAND) & 1 << 12)
        relax();
}

void guest_main(void)
{
    uint8_t others = 0;

    for (const char *digit = wanted(); *digit >= '0' && *digit <= '9'; digit++)
        others = (uint8_t)(10 * others + *digit - '0');
    others--;
    CHECK(read32(LOCAL_APIC + APIC_ID) >> 24 == 0, read32(LOCAL_APIC + APIC_ID));
    write32(LOCAL_APIC + APIC_SPURIOUS, 0x1ff);
    memcpy((void *)TRAMPOLINE, code, sizeof(code));
    write8(COUNTER, 0);
    send(APIC_ALL_BUT_SELF | APIC_ASSERT | APIC_INIT);
    send(APIC_ALL_BUT_SELF | APIC_ASSERT | APIC_STARTUP | TRAMPOLINE >> 12);
    for (uint64_t i = 0; i < 200000000 && read8(COUNTER) != others; i++)
        relax();
    CHECK(read8(COUNTER) == others, read8(COUNTER));
    print("all processors are here\n");
    power_off();
}
