/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's console for people as text for systemd. */
#pragma once

#include "generator/config.h"

static inline bool unit_has_console(const struct vm_config *config)
{
    return config->console.section.origin.source;
}

/*
 * Words of the kernel's command line: /dev/console is hvc0; and systemd is to offer a login there,
 * which it does by itself only where the driver is loaded as early as its generators run: Debian's
 * initrd has it not.
 */
#define UNIT_CONSOLE_WORDS "console=hvc0 systemd.wants=serial-getty@hvc0.service"

/* Writes the line by which the VM has its socket. */
void unit_write_console_socket(FILE *f, const struct vm_config *config);

/* Writes volt-vmm's arguments. */
void unit_write_console(FILE *f, const struct vm_config *config);

/* volt-console@UUID.socket.d/50-volt.conf, without which the socket is not made: the header aside.
 */
void unit_write_console_drop_in(FILE *f, const struct vm_config *config);
