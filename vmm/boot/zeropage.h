/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The zero page: what the boot protocol tells the kernel (Documentation/arch/x86/zero-page.rst). */
#pragma once

#include "vmm/boot/kernel.h"

struct boot_info {
    const char *cmdline;
    int initrd_fd;          /* or -EBADF */
    uint64_t reserved_base; /* a range that is neither RAM nor free, for the memory map: ECAM */
    uint64_t reserved_size;
};

/*
 * Loads the initrd, places the command line and writes the zero page for KERNEL. -E2BIG where
 * command line or initrd have no room, -errno; logs the reason.
 */
int zeropage_write(const struct guest_memory *memory, const struct kernel *kernel,
                   const struct boot_info *info);
