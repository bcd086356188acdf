// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a helper keeps of root's privileges: its main says so in one place, and gives up the rest
 * before it reads its arguments. */
#pragma once

#include <linux/capability.h>
#include <stdint.h>

#define CAPABILITY(name) (UINT64_C(1) << (CAP_##name))

/* To enter the host's network namespace: /proc/1/ns/net is to be opened, and setns(2). */
#define CAPABILITIES_HOST_NETWORK (CAPABILITY(SYS_ADMIN) | CAPABILITY(SYS_PTRACE))

/* Gives up every capability that is not in KEEP, for good, and whatever a program that is executed
 * could bring; and all variables but those that systemd sets for the service, and ours. Can be
 * called again with less. What cannot be given up is logged, and no reason to leave a VM's network
 * as it is. */
void helper_privileges_keep(uint64_t keep);
