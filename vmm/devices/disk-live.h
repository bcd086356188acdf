/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a disk can change while its guest runs. */
#pragma once

#include "vmm/devices/disk-device.h"

/* As struct virtio_type has them: size and rates; the rest waits for the next start. */
int disk_reconfigure(struct virtio_device *device, const char *argument, char *reply, size_t size);
void disk_describe(struct virtio_device *device, char *ret, size_t size);
