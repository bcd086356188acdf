/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running nftables commands by libnftables, which is loaded when it is needed. */
#pragma once

#include "vmm/cleanup.h"

/* Runs COMMANDS, as in a file for `nft -f`, in the network namespace of the caller: all of them or
 * none. Returns 0; -EOPNOTSUPP without the library; -EINVAL when the library or the kernel refuses.
 * On an error *ret_why tells, in words (free it; may be NULL). */
int nftables_run(const char *commands, char **ret_why);
