/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The unit's watchdog: whether systemd is told that the VM is alive, and what is said of time that
 * is missing. */
#pragma once

#include "vmm/cleanup.h"

struct watchdog {
    uint64_t interval_ns;
    uint64_t last_ns; /* of the last look; 0: none yet */
    bool hangs;       /* told */
};

/* Every half of systemd's limit, or, where it has none, now and then. */
void watchdog_init(struct watchdog *watchdog, uint64_t limit_usec);

/*
 * To be called each interval, by the event loop: that it is called is one half of being alive.
 * NOW_NS is CLOCK_BOOTTIME. True where systemd is to be told, which is as long as one vCPU lives:
 * N_LIVE of them did since the last call. Logs where all hang, where they go on, and where the call
 * came much too late because the whole process stood still.
 */
bool watchdog_look(struct watchdog *watchdog, uint64_t now_ns, unsigned n_live);
