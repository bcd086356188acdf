/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What two VMs cannot both have: a UUID, a name, a TAP, a MAC, an address on one bridge. */
#pragma once

#include "generator/config.h"

/* Adds a problem, which names the other's file and line, to each VM that claims what another
 * claims; a clash of UUIDs comes first and sets uuid_clash. Derived MACs give way first. Returns 0
 * or -ENOMEM. */
int conflicts_find(struct vm_config *const *configs, size_t count);
