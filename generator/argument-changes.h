/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a helper would be told now that it was not told when the VM started. */
#pragma once

#include "vmm/cleanup.h"

#define AT_NEXT_START " takes effect at the next start"

/* TELL is called with each line. The lists end with NULL. */
typedef void argument_tell(void *context, const char *line);

/* volt-net's: the settings of interfaces that are in both ("net eth0: bridge: br0 → br1 takes
 * effect at the next start"). */
void argument_changes_net(char *const *old, char *const *new, argument_tell *tell, void *context);

/* volt-open's: other paths for what is in both, and a coming or going initrd. */
void argument_changes_open(char *const *old, char *const *new, argument_tell *tell, void *context);

/* A word of a command line as systemd.service(5) gives it to a process: "$$" is "$", and "${NAME}"
 * what the environment has for it, or nothing. NULL when out of memory; free it. */
char *argument_expand(const char *text);
