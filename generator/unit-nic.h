/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's interfaces as text for systemd: their parts of the drop-in that unit-text.h is about. */
#pragma once

#include "generator/config.h"

/* The variables that the VMM's command line takes from volt-net, where it takes any: derived MACs,
 * which give way to what volt-net finds on the bridge, and addresses on the kernel's command line.
 */
void unit_write_variables(FILE *f, const struct vm_config *config);

/* The comment that tells a person about the interfaces, and volt-net's --nic= for each. */
void unit_write_nic_comments(FILE *f, const struct vm_config *config);
void unit_write_nics(FILE *f, const struct vm_config *config);

/* volt-open's arguments for the vhost devices. */
void unit_write_vhost_files(FILE *f, const struct vm_config *config);

/* volt-vmm's --net= for each interface. */
void unit_write_nets(FILE *f, const struct vm_config *config);

/* Whether an address goes to the guest on its kernel's command line. */
bool unit_has_cmdline_address(const struct vm_config *config);

/* Threads that the interfaces add: one per queue pair, and vhost's own for each, which the kernel
 * counts among the service's since 6.4. */
size_t unit_count_nic_tasks(const struct vm_config *config);
