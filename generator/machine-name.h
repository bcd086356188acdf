/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a VM can be called in machinectl, where names are host names. */
#pragma once

#include "vmm/cleanup.h"

#define MACHINE_NAME_SIZE 65 /* HOST_NAME_MAX, and a NUL */

/* How many names there are to try, the nicest one first. */
enum { MACHINE_NAMES = 3 };

/* The VM's name as a host name ('_' becomes '-', and what host names do not have at their ends or
 * beside a dot goes); the same with the UUID's first digits; the UUID. */
void machine_name(const char *name, const char *uuid, unsigned attempt,
                  char ret[static MACHINE_NAME_SIZE]);
