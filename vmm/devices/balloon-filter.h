/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the balloon's thread asks of the kernel. */
#pragma once

#include <linux/falloc.h>

#include "vmm/filter-rule.h"

static const struct filter_rule filter_rules_balloon[] = {
    FILTER_DEVICE_THREAD,
    CALL(fallocate, "gives the guest's memory back",
         INT(1, "mode", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)),
    CALL(pwritev, "writes its figures to their file"),
};
