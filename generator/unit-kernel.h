/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's kernel, initrd and command line as text for systemd. */
#pragma once

#include "generator/config.h"

/* The variables that volt-open sets: the words that a managed kernel brings along, and "yes" where
 * its file is never written to. */
#define UNIT_KERNEL_CMDLINE "VOLT_KERNEL_CMDLINE"
#define UNIT_KERNEL_MAP     "VOLT_KERNEL_MAP"

/* Whether it is one by name, that volt-open finds when the VM starts: the generator may not look.
 */
static inline bool unit_has_managed_kernel(const struct vm_config *config)
{
    return config->vm.kernel[0] != '/';
}

/* Writes the words of RequiresMountsFor=. */
void unit_write_kernel_mounts(FILE *f, const struct vm_config *config);

/* Writes volt-open's arguments, and volt-vmm's. */
void unit_write_kernel_files(FILE *f, const struct vm_config *config);
void unit_write_kernel(FILE *f, const struct vm_config *config);
