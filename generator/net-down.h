/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking a VM's interfaces away. */
#pragma once

#include "generator/nic.h"
#include "generator/rtnl.h"

/* Removes all that `up` makes for the N NICs, in the order that keeps networkd from making it
 * again: networkd's files, the stored fds, the links, what is written down. Each step is tried,
 * whatever became of those before; each failure is logged. Links of these names that are no TAP
 * stay. RTNL may be NULL (then no link goes). Returns 0 or the first error. */
int net_remove(struct rtnl *rtnl, const char *uuid, const struct nic *nics, size_t n);

/* `volt-net down`: net_remove() for what `up` wrote down for this VM. */
int net_down(const char *uuid);
