/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MAC addresses that were derived give way to others. */
#pragma once

#include "generator/config.h"

/* Where a derived MAC equals another VM's, derives another one, the same in each run, and notes
 * that. Of two derived ones, that of the smaller UUID stays. What is configured is left alone.
 * Returns 0 or -ENOMEM. */
int macs_settle(struct vm_config *const *configs, size_t count);
