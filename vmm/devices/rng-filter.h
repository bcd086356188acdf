/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the thread of the entropy source asks of the kernel. */
#pragma once

#include "vmm/filter-rule.h"

static const struct filter_rule filter_rules_rng[] = {
    FILTER_DEVICE_THREAD,
    CALL(getrandom, "random numbers for the guest", INT(2, "flags", 0)),
    FILTER_CLOCK("the rate"),
};
