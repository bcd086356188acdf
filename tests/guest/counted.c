/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The VMM without its system call filters, which is never installed: valgrind, which counts its
 * instructions, has no seccomp for what it runs.
 */
#include "vmm/lockdown.h"

int __wrap_lockdown_thread(const struct filter *filter, void *context);

int __wrap_lockdown_thread(const struct filter *filter _unused_, void *context _unused_)
{
    return 0;
}
