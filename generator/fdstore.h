/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service's fd store: where the helpers leave open files for volt-vmm, by name. */
#pragma once

#include "vmm/cleanup.h"

/* Whether a service manager listens; without one (run by hand) the calls below do nothing. */
bool fdstore_available(void);

/* Asks systemd to close the stored fds of that name. Names may repeat in the store, so what a
 * helper pushes it removes first. Follow with fdstore_barrier(). */
int fdstore_remove(const char *name);

/* Leaves a copy of FD in the store. systemd does not say whether it took it: volt-vmm checks. */
int fdstore_push(const char *name, int fd);

/* Waits until systemd has worked off all that was sent: after removals and before the process
 * ends, since systemd tells whose message it is by the sender's process. */
int fdstore_barrier(void);
