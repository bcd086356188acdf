/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sleep control (ACPI 6.5, 4.8.3.7), reset register (4.8.3.6), pvpanic. */
#include "vmm/bus/power.h"

#include "vmm/bus/platform.h"

enum {
    SLEEP_TYPE_SHIFT = 2,
    SLEEP_TYPE_MASK = 7,
    SLEEP_ENABLE = 1 << 5,
    PVPANIC_PANICKED = 1 << 0,
    KEYBOARD_PULSE_RESET = 0xfe,
};

static void power_read(void *context, uint64_t offset, void *ret_data, unsigned length)
{
    (void)context;
    (void)offset;
    bus_put(ret_data, length, 0);
}

static void power_write(void *context, uint64_t offset, const void *data, unsigned length)
{
    struct power *power = context;
    uint8_t value = (uint8_t)bus_get(data, length);

    if (offset == POWER_SLEEP_CONTROL && (value & SLEEP_ENABLE) &&
        (value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == power->off_type)
        power->report(power->context, POWER_OFF);
    else if (offset == POWER_RESET_REGISTER && value == POWER_RESET_VALUE)
        power->report(power->context, POWER_RESET);
}

/* A read tells which events are understood. */
static void pvpanic_read(void *context, uint64_t offset, void *ret_data, unsigned length)
{
    (void)context;
    (void)offset;
    bus_put(ret_data, length, PVPANIC_PANICKED);
}

static void pvpanic_write(void *context, uint64_t offset, const void *data, unsigned length)
{
    struct power *power = context;

    (void)offset;
    if (bus_get(data, length) & PVPANIC_PANICKED)
        power->report(power->context, POWER_PANIC);
}

/* The PC's oldest way to reset, for kernels that are told to prefer it (reboot=k). */
static void keyboard_write(void *context, uint64_t offset, const void *data, unsigned length)
{
    struct power *power = context;

    (void)offset;
    if ((uint8_t)bus_get(data, length) == KEYBOARD_PULSE_RESET)
        power->report(power->context, POWER_RESET);
}

int power_attach(struct power *power, struct bus *ports)
{
    static const struct bus_ops power_ops = {.read = power_read, .write = power_write};
    static const struct bus_ops pvpanic_ops = {.read = pvpanic_read, .write = pvpanic_write};
    static const struct bus_ops keyboard_ops = {.read = power_read, .write = keyboard_write};

    int r = bus_add(ports, PLATFORM_PORT_POWER, 3, &power_ops, power);
    if (r >= 0)
        r = bus_add(ports, PLATFORM_PORT_PVPANIC, 1, &pvpanic_ops, power);
    if (r >= 0)
        r = bus_add(ports, PLATFORM_PORT_KEYBOARD, 1, &keyboard_ops, power);
    return r;
}
