/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ends in the way that the command line's last word names. */
#include "interrupts.h"

enum {
    BUTTON_PIN = 5, /* of the I/O APIC */
    BUTTON_INTERRUPT = 7,
};
#define IO_APIC 0xfec00000ul

static void __attribute__((noreturn)) triple_fault(void)
{
    static const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) empty;

    __asm__ volatile("lidt %0; ud2" : : "m"(empty));
    halt();
}

static void io_apic_write(uint32_t i, uint32_t value)
{
    write32(IO_APIC, i);
    write32(IO_APIC + 0x10, value);
}

/* What an operating system does, in small: sleeps until the power button is pressed. */
static void wait_for_button(void)
{
    interrupts_enable();
    io_apic_write(0x10 + 2 * BUTTON_PIN + 1, 0); /* to the first processor */
    io_apic_write(0x10 + 2 * BUTTON_PIN, INTERRUPT_FIRST + BUTTON_INTERRUPT);
    for (interrupts_off(); interrupts[BUTTON_INTERRUPT] == 0; interrupts_off())
        interrupts_on_and_sleep();
    power_off();
}

void guest_main(void)
{
    const char *way = wanted();

    print("the way: ");
    print(way);
    print("\n");
    if (equal(way, "off")) {
        print("of: ");
        print(command_line());
        print("\n");
        power_off();
    }
    if (equal(way, "button"))
        wait_for_button();
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
