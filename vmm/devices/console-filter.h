/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the console's thread asks of the kernel: its clients are the main thread's. */
#pragma once

#include "vmm/filter-rule.h"

static const struct filter_rule filter_rules_console[] = {FILTER_DEVICE_THREAD};
