/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ACPI tables (hardware-reduced, ACPI 6.5): how a stock kernel finds CPUs, PCI and the off switch.
 */
#pragma once

#include "vmm/cleanup.h"

struct guest_memory;

/* What the tables describe. Ports are I/O ports; *_gsi are pins of the I/O APIC. */
struct acpi_platform {
    unsigned n_vcpus;
    uint32_t ecam_base, ecam_size;             /* one PCI bus a MiB */
    uint32_t pci_window_base, pci_window_size; /* 32-bit BARs */
    uint16_t sleep_control_port, sleep_status_port, reset_port;
    uint8_t reset_value;
    uint16_t serial_port;
    uint32_t serial_gsi;
    uint32_t power_button_gsi;
    uint16_t pvpanic_port;
};

/* SLP_TYP of S5, soft off, in the sleep control register (4.8.3.7). */
enum { ACPI_SLEEP_TYPE_S5 = 5 };

/* Writes RSDP and tables at LAYOUT_ACPI. -ENOSPC where they do not fit; 0 or -errno. */
int acpi_write(const struct guest_memory *memory, const struct acpi_platform *platform);

/* The tables alone, as they are to stand at guest physical ADDRESS. Returns their length or
 * -ENOSPC. */
int acpi_build(const struct acpi_platform *platform, uint64_t address, uint8_t *ret, size_t size);
