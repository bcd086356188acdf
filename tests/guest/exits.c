/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ends in the way that the command line's last word names. */
#include "guest.h"

static void __attribute__((noreturn)) triple_fault(void)
{
    static const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) empty;

    __asm__ volatile("lidt %0; ud2" : : "m"(empty));
    halt();
}

void guest_main(void)
{
    const char *way = wanted();

    print("the way: ");
    print(way);
    print("\n");
    if (equal(way, "off"))
        power_off();
    if (equal(way, "warm"))
        write16(WARM_BOOT_FLAG, 0x1234);
    if (equal(way, "reset") || equal(way, "warm"))
        out8(PORT_RESET, 1);
    if (equal(way, "keyboard"))
        out8(PORT_KEYBOARD, 0xfe);
    if (equal(way, "control"))
        out8(PORT_RESET_CONTROL, 6);
    if (equal(way, "panic"))
        out8(PORT_PVPANIC, 1);
    if (equal(way, "triple"))
        triple_fault();
    if (equal(way, "spin"))
        for (;;)
            relax();
    halt(); /* "ignore" and whatever has come here: deaf to the power button */
}
