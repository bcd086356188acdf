/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The platform that the ACPI tests describe: numbers that cannot be mixed up. */
#pragma once

#include "vmm/boot/acpi.h"

static const struct acpi_platform acpi_test_platform = {
    .n_vcpus = 3,
    .ecam_base = 0xe0000000,
    .ecam_size = 0x100000,
    .pci_window_base = 0xc0000000,
    .pci_window_size = 0x20000000,
    .sleep_control_port = 0x600,
    .sleep_status_port = 0x601,
    .reset_port = 0x602,
    .reset_value = 1,
    .serial_port = 0x3f8,
    .serial_gsi = 4,
    .power_button_gsi = 5,
    .pvpanic_port = 0x505,
};
