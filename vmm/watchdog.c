/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The watchdog's logic. */
#include "vmm/watchdog.h"

#include "vmm/clock.h"
#include "vmm/log.h"

enum {
    INTERVAL_SEC = 15,
    LATE_SEC = 5, /* no event loop is that slow by itself */
};

void watchdog_init(struct watchdog *watchdog, uint64_t limit_usec)
{
    *watchdog = (struct watchdog){
        .interval_ns = limit_usec > 0 ? limit_usec / 2 * 1000 : INTERVAL_SEC * CLOCK_NS_PER_SEC,
    };
}

bool watchdog_look(struct watchdog *watchdog, uint64_t now_ns, unsigned n_live)
{
    uint64_t late = 0;

    if (watchdog->last_ns > 0 && now_ns - watchdog->last_ns > watchdog->interval_ns)
        late = now_ns - watchdog->last_ns - watchdog->interval_ns;
    watchdog->last_ns = now_ns;
    if (late > LATE_SEC * CLOCK_NS_PER_SEC)
        log_notice("The VM stood still for %llu s or more (it was frozen, or the host slept or was "
                   "too busy); its clocks went on",
                   (unsigned long long)(late / CLOCK_NS_PER_SEC));
    if ((n_live == 0) != watchdog->hangs) {
        watchdog->hangs = n_live == 0;
        if (watchdog->hangs)
            log_error("No virtual CPU gets ahead; systemd's watchdog will end the VM");
        else
            log_notice("The virtual CPUs go on");
    }
    return n_live > 0;
}
