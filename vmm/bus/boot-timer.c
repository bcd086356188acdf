/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The boot timer's port. */
#include "vmm/bus/boot-timer.h"

#include <sys/eventfd.h>
#include <time.h>

#include "vmm/bus/platform.h"

static void boot_timer_write(void *context, uint64_t offset, const void *data, unsigned length)
{
    struct boot_timer *timer = context;
    struct timespec now;
    uint64_t zero = 0;

    (void)offset;
    (void)data;
    (void)length;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    if (atomic_compare_exchange_strong(&timer->reached_ns, &zero, ns))
        (void)eventfd_write(timer->eventfd, 1);
}

int boot_timer_attach(struct boot_timer *timer, struct bus *ports)
{
    static const struct bus_ops ops = {.write = boot_timer_write};

    return bus_add(ports, PLATFORM_PORT_BOOT_TIMER, 4, &ops, timer);
}
