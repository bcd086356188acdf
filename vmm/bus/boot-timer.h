/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The boot timer: a port to which a guest writes when its init runs, so that boot time needs no
 * text. */
#pragma once

#include <stdatomic.h>

#include "vmm/bus/bus.h"

struct boot_timer {
    _Atomic uint64_t reached_ns; /* CLOCK_MONOTONIC at the guest's first write; 0 before */
    int eventfd;                 /* borrowed: signalled once, at that write */
};

/* Claims the boot-timer port of PORTS. TIMER must outlive it. 0 or -errno. */
int boot_timer_attach(struct boot_timer *timer, struct bus *ports);
