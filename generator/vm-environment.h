/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What helpers tell volt-vmm's command line: /run/volt/vm/<uuid>/environment. */
#pragma once

#define VM_RUN_DIR "/run/volt/vm"

/* Makes the line NAME=VALUE one of DIR/<uuid>/environment, in place of another of that name. The
 * rest of the file stays. Returns 0 or -errno. */
int vm_environment_set(const char *dir, const char *uuid, const char *name, const char *value);
