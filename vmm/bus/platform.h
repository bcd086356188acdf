/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's fixed addresses: every I/O port, MMIO range and I/O APIC pin that something answers
 * at. */
#pragma once

#include <stdint.h>

/* I/O ports */
#define PLATFORM_PORT_KEYBOARD   UINT64_C(0x64)  /* its controller's command port: reset alone */
#define PLATFORM_PORT_SERIAL     UINT64_C(0x3f8) /* eight */
#define PLATFORM_PORT_PVPANIC    UINT64_C(0x505)
#define PLATFORM_PORT_POWER      UINT64_C(0x600) /* sleep control, sleep status, reset */
#define PLATFORM_PORT_BOOT_TIMER UINT64_C(0x610)
#define PLATFORM_PORT_PCI_CONFIG UINT64_C(0xcf8) /* eight: address, reset control, data */

/* Pins of the I/O APIC, all edge-triggered */
#define PLATFORM_GSI_SERIAL       4
#define PLATFORM_GSI_POWER_BUTTON 5

/* The PCI hole, 3 to 4 GiB */
#define PLATFORM_PCI_WINDOW      UINT64_C(0xc0000000) /* BARs */
#define PLATFORM_PCI_WINDOW_SIZE UINT64_C(0x20000000)
#define PLATFORM_ECAM            UINT64_C(0xe0000000) /* configuration space of bus 0 */
#define PLATFORM_ECAM_SIZE       UINT64_C(0x100000)
