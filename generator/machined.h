/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Telling systemd-machined of a VM, and of its end (org.freedesktop.machine1). */
#pragma once

#include "vmm/cleanup.h"

#define MACHINED_VARLINK "/run/systemd/machine/io.systemd.Machine"

enum { MACHINE_INTERFACES_MAX = 8 };

struct machine {
    const char *uuid;
    const char *name;                       /* the VM's, of which machined's is made */
    unsigned leader;                        /* the VMM's process id */
    unsigned cid;                           /* its AF_VSOCK address; 0: none */
    int interfaces[MACHINE_INTERFACES_MAX]; /* their indices on the host */
    size_t n_interfaces;
};

/* Registers MACHINE, in place of what is left of an earlier start of it. Bus and machined, which is
 * started where it is installed, get TIMEOUT_MS each. Returns 1, 0 where there is no machined, or
 * -errno; *ret_text then tells the name that it has there, or what went wrong (free it; may be
 * NULL). */
int machined_register(const struct machine *machine, unsigned timeout_ms, char **ret_text);

/* Removes the VM called UUID from a machined that runs. Returns how many registrations of it there
 * were, or -errno with *ret_text. */
int machined_unregister(const char *uuid, unsigned timeout_ms, char **ret_text);
