/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's disks as text for systemd. */
#pragma once

#include "generator/config.h"

/* How many threads its disks have at most. */
size_t unit_count_disk_tasks(const struct vm_config *config);

/* Writes what has the VM wait for its block devices: those that udev makes come when they like. */
void unit_write_disk_dependencies(FILE *f, const struct vm_config *config);

/* Writes the DeviceAllow= lines without which volt-open could not open its block devices. */
void unit_write_disk_devices(FILE *f, const struct vm_config *config);

/* Writes volt-open's arguments, and volt-vmm's. */
void unit_write_disk_files(FILE *f, const struct vm_config *config);
void unit_write_disks(FILE *f, const struct vm_config *config);

/* The words of the kernel's command line that make the disk called root the root file system, where
 * there is one and the VM's own words name no other; "" where not. */
#define UNIT_ROOT_SIZE sizeof("root=/dev/vda rw")
void unit_format_root(const struct vm_config *config, char text[static UNIT_ROOT_SIZE]);
