/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A system call that its thread's filter forbids: it is not made, the journal and systemd are told
 * of it by name, and the process ends by SIGSYS. */
#pragma once

#include "vmm/filter.h"

/*
 * From here on such a call is told of, also to the socket NOTIFY (-EBADF: none). Before the first
 * thread is made. 0 or -errno.
 */
int forbidden_call_init(int notify);

/* The calling thread will have FILTER. */
void forbidden_call_set_filter(const struct filter *filter);
