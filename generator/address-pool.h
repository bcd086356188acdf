/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left of a zone's reserved addresses for the VMs that take any. */
#pragma once

#include "generator/config.h"

/* The most ranges that a pool has: the lowest, so that a command line stays one. */
#define POOL_RANGES_MAX 256

/* Fills in the pool of each zone that some VM takes an address from by ipv4 = auto: the reserved
 * ones without the gateway and without those that any VM claims on the zone's bridge, as
 * FIRST-LAST or ADDRESS with '+' between. A VM whose zone has none left gets a problem. Returns 0
 * or -ENOMEM. */
int pools_fill(const struct zones *zones, struct vm_config *const *configs, size_t count);
