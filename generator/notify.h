/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service manager's notification socket, as sd_notify(3) has it, without libsystemd: that
 * brings nine libraries along, whose loading would be most of what a helper does. */
#pragma once

#include "vmm/cleanup.h"

/* Whether a service manager listens. */
bool notify_available(void);

/* Sends STATE, lines of KEY=VALUE; with a copy of FD, unless that is negative. Returns 0, also
 * where nobody listens, or -errno. */
int notify_send(const char *state, int fd);

/* Waits until the manager has worked off all that this process has sent; -ETIMEDOUT when that takes
 * longer. */
int notify_barrier(unsigned timeout_ms);
