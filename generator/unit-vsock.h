/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's sockets with the host, and what its start waits for, as text for systemd. */
#pragma once

#include "generator/config.h"

/* Whether there is a [vsock]. */
bool unit_has_vsock(const struct vm_config *config);

/* When the service counts as started, and how long that may take (systemd.service(5)). */
void unit_write_readiness(FILE *f, const struct vm_config *config);

/* volt-open's arguments. */
void unit_write_vsock_files(FILE *f, const struct vm_config *config);

/* volt-vmm's. */
void unit_write_vsock(FILE *f, const struct vm_config *config);
