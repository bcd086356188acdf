/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The DSDT's body: host bridge, serial port, power button, panic notifier. */
#pragma once

#include "vmm/boot/acpi.h"

/* Writes the AML. Returns its length, or -ENOSPC. */
int dsdt_write(const struct acpi_platform *platform, uint8_t *ret, size_t size);
