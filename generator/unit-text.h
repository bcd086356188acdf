/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's description as text for systemd. Each writer writes one whole file. */
#pragma once

#include "generator/config.h"

/* volt-vm@UUID.service.d/50-volt.conf for a VM that can start: the machine, in full. */
void unit_write_service(FILE *f, const struct vm_config *config);

/* volt-console@UUID.socket.d/50-volt.conf of a VM with a console. */
void unit_write_console_unit(FILE *f, const struct vm_config *config);

/* The first drop-in for a VM with problems: it loads, and its start says what is wrong. */
void unit_write_refusal(FILE *f, const struct vm_config *config);

/* volt-NAME.service, for VMs with problems whose UUID nobody can tell: its start says what is
 * wrong. There are COUNT of them, one unless several files come to the same NAME. */
void unit_write_stand_in(FILE *f, struct vm_config *const *configs, size_t count);

/* volt-NAME.target, for people to type: starts, stops and restarts the COUNT VMs, which are one
 * unless the name is given twice. */
void unit_write_target(FILE *f, struct vm_config *const *configs, size_t count);

/* The name of the service that stands for the VM; see above for which. */
#define UNIT_NAME_SIZE (sizeof("volt-.service") + NAME_LENGTH_MAX)
void unit_service_name(const struct vm_config *config, char name[static UNIT_NAME_SIZE]);
