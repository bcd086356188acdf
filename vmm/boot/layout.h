/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where things lie in the guest's first MiB, which the VMM fills and the kernel later takes back.
 */
#pragma once

#include <stdint.h>

#define LAYOUT_GDT         UINT64_C(0x500)
#define LAYOUT_ZERO_PAGE   UINT64_C(0x7000)
#define LAYOUT_PAGE_TABLES UINT64_C(0x9000)  /* six pages: PML4, PDPT, four PDs */
#define LAYOUT_STACK       UINT64_C(0x1fff0) /* grows down; Linux does not use it, payloads may */
#define LAYOUT_CMDLINE     UINT64_C(0x20000)
#define LAYOUT_EBDA        UINT64_C(0x9fc00) /* RAM below 1 MiB ends here */
/* From here to 1 MiB the memory map says: reserved. */
#define LAYOUT_SMBIOS_TABLES      UINT64_C(0xa0000) /* 256 KiB */
#define LAYOUT_ACPI               UINT64_C(0xe0000) /* 64 KiB */
#define LAYOUT_SMBIOS_ENTRY_POINT UINT64_C(0xf0000) /* the first place where kernels look */
#define LAYOUT_KERNEL_MIN         UINT64_C(0x100000)

#define LAYOUT_CMDLINE_MAX UINT64_C(0x10000)

/* The BIOS data area's warm-boot word: what a rebooting kernel leaves there tells why it reboots.
 */
#define LAYOUT_WARM_BOOT_FLAG UINT64_C(0x472)
