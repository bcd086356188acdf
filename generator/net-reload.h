/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking networkd to reload once for many VMs that start together. */
#pragma once

#include "vmm/cleanup.h"

#define NET_RELOAD_FILE "/run/volt/reload"

/* Sees to it that a reload began after SINCE_MS of the monotonic clock, and was answered: asks for
 * one, unless another VM's start did. FILE remembers when. Returns 0; -EAGAIN while another one is
 * asking; else as networkd_reload(). */
int net_reload(const char *file, int64_t since_ms, unsigned timeout_ms, char **ret_why);
