/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which unit files a set of VMs comes to. */
#pragma once

#include "generator/config.h"

/* Where unit files go. NAME is relative to the directory of units. Both return 0 or -errno. */
struct unit_sink {
    int (*file)(void *user, const char *name, const char *text, size_t size);
    int (*link)(void *user, const char *name, const char *target);
    void *user;
};

/* Writes the units of the VMs: for each UUID a drop-in, for each name a target, for a VM with
 * neither a stand-in, and the links that start them at boot. A VM with problems is refused.
 * Reorders CONFIGS. Goes on after a failure; returns 0 or the first -errno. */
int units_write(struct vm_config **configs, size_t count, const struct unit_sink *sink);
