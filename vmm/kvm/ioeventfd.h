/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ioeventfd: a guest's MMIO write that becomes an eventfd signal inside the kernel. */
#pragma once

#include "vmm/cleanup.h"

struct vm;

/* Any write at guest physical ADDRESS signals EVENTFD (api.rst 4.59). 0 or -errno. */
int ioeventfd_assign(const struct vm *vm, uint64_t address, int eventfd);
int ioeventfd_deassign(const struct vm *vm, uint64_t address, int eventfd);
