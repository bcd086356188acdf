/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Landlock (the kernel's Documentation/userspace-api/landlock.rst). */
#pragma once

#include "vmm/cleanup.h"

/* Whether this kernel has it, and it is on. */
bool landlock_is_there(void);

/*
 * Denies all rights that this kernel's Landlock knows and this code does, to the calling thread and
 * those that it makes. A kernel without Landlock is said in a notice. 0 or -errno; logs.
 */
int landlock_deny_all(void);
