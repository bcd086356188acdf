/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* io.systemd.Machine, which takes a VM's AF_VSOCK address, too (systemd 256 and newer). */
#pragma once

#include "generator/machined.h"

/* Registers MACHINE as NAME with the machined that listens at PATH. Returns 0; -EEXIST where the
 * name is another's; -ENOENT where nobody listens; or another -errno. */
int machine_varlink_register(const char *path, const struct machine *machine, const char *name,
                             unsigned timeout_ms);
