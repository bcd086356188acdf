/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the balloon's thread asks of the kernel. */
#pragma once

#include <linux/falloc.h>
#include <sys/mman.h>

#include "vmm/filter-rule.h"

static const struct filter_rule filter_rules_balloon[] = {
    FILTER_DEVICE_THREAD,
    CALL(madvise, "gives the guest's memory back", INT(2, "advice", MADV_DONTNEED)),
    CALL(fallocate, "gives the guest's memory back, where it is of small pages",
         INT(1, "mode", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)),
    CALL(pwritev, "writes its figures to their file"),
};
