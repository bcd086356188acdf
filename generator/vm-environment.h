/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What helpers tell volt-vmm's command line: /run/volt/vm/<uuid>/environment. */
#pragma once

#include <stddef.h>

#define VM_RUN_DIR "/run/volt/vm"

struct vm_variable {
    const char *name, *value; /* the value as systemd.exec(5) has it in an EnvironmentFile= */
};

/* Makes lines NAME=VALUE of DIR/<uuid>/environment of the N variables, in place of others of those
 * names, at once. The rest of the file stays. Returns 0 or -errno. */
int vm_environment_set(const char *dir, const char *uuid, const struct vm_variable *variables,
                       size_t n);
