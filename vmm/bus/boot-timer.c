/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The boot timer's port. */
#include "vmm/bus/boot-timer.h"

#include <sys/eventfd.h>

#include "vmm/bus/platform.h"
#include "vmm/clock.h"

static void boot_timer_write(void *context, uint64_t offset, const void *data, unsigned length)
{
    struct boot_timer *timer = context;
    uint64_t zero = 0;

    (void)offset;
    (void)data;
    (void)length;
    if (atomic_compare_exchange_strong(&timer->reached_ns, &zero, clock_now_ns()))
        (void)eventfd_write(timer->eventfd, 1);
}

int boot_timer_attach(struct boot_timer *timer, struct bus *ports)
{
    static const struct bus_ops ops = {.write = boot_timer_write};

    return bus_add(ports, PLATFORM_PORT_BOOT_TIMER, 4, &ops, timer);
}
