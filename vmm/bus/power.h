/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Power: the ACPI sleep and reset registers, the power button, and the panic notifier. */
#pragma once

#include "vmm/bus/bus.h"

/* How a guest's life ended; what main() turns into an exit status. */
enum power_event {
    POWER_NONE,
    POWER_OFF,
    POWER_RESET,
    POWER_PANIC,
};

/* Offsets from PLATFORM_PORT_POWER */
enum {
    POWER_SLEEP_CONTROL = 0,
    POWER_SLEEP_STATUS = 1,
    POWER_RESET_REGISTER = 2,
    POWER_RESET_VALUE = 1,
};

/* REPORT is called on a vCPU thread, for each event that the guest causes. */
struct power {
    uint8_t off_type; /* SLP_TYP that means S5 */
    void (*report)(void *context, enum power_event event);
    void *context;
};

/* Claims the power, pvpanic and keyboard reset ports of PORTS. POWER must outlive it. 0 or -errno.
 */
int power_attach(struct power *power, struct bus *ports);
