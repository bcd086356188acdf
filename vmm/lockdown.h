/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lock-down: from here on nothing can be opened, made or executed. */
#pragma once

#include "vmm/thread.h"

/*
 * What all threads inherit, so before the first is made: no new privileges, no core files, and
 * Landlock with every right denied. A kernel without Landlock is said in a notice. A forbidden
 * system call is told of from here on, also to the socket NOTIFY (-EBADF: none). 0 or -errno; logs.
 */
int lockdown_process(int notify);

/* Installs FILTER on the calling thread. CONTEXT is unused. 0 or -errno; logs. */
int lockdown_thread(const struct filter *filter, void *context);
