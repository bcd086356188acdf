/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's own threads in a VM's control group: KVM's (before Linux 6.13) and vhost's
 * (before 6.4) join that of the process that they work for. A kernel thread is never frozen, and a
 * group that has one never counts as frozen, for which `systemctl freeze` waits in vain. So they
 * get a group beside the unit's: a slice of their own, with the unit's limits to the CPU. */
#pragma once

#include <systemd/sd-bus.h>

#include "vmm/cleanup.h"

#define KERNEL_THREADS_SLICE_SIZE sizeof("volt-0123456789abcdef0123456789abcdef.slice")

/* Moves the kernel threads that are in the control group of the process LEADER, the VMM of the VM
 * called UUID, to the slice; makes that, where there are any. *BUS is the connection to systemd, or
 * NULL until one is needed. Returns how many, or -errno, with *ret_text (free it; may be NULL). */
int kernel_threads_move(sd_bus **bus, const char *uuid, unsigned leader, char **ret_text);

/* Removes the slice, where there is one, once the VM is gone. Returns 0 or -errno, with *ret_text.
 */
int kernel_threads_done(sd_bus **bus, const char *uuid, char **ret_text);

/* For kernel_threads_move(), and its tests. */

/* The path of the unified hierarchy in TEXT, which is that of a /proc/PID/cgroup: a new string.
 * NULL where it is not that of the VM's unit: a process that has ended by now may have left its
 * number to another, and what works for the whole system is not to be moved. */
char *kernel_threads_group(const char *text, const char *uuid);

/* Whether the process of which TEXT is the /proc/PID/stat is a thread of the kernel. */
bool kernel_threads_is_one(const char *text);

/* Reads a cgroup.procs: the kernel threads in it, by /proc. Returns their number, or -errno; *ret
 * is to be freed. */
int kernel_threads_find(FILE *procs, unsigned **ret);

/* "volt-" and the UUID without the dashes, which would be slices in slices. */
void kernel_threads_slice(const char *uuid, char ret[static KERNEL_THREADS_SLICE_SIZE]);
