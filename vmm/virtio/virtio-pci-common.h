/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The common configuration structure (virtio 1.2, 4.1.4.3): the device's registers as the driver
 * sees them. */
#pragma once

#include "vmm/virtio/device.h"

/* Both on vCPU threads; they take the device's mutex. Accesses beyond the structure read as zero.
 */
void virtio_pci_common_read(struct virtio_device *device, uint32_t offset, void *ret_data,
                            unsigned length);
/* A vector of N_VECTORS or more is not accepted, and reads back as none (4.1.5.1.2.1). */
void virtio_pci_common_write(struct virtio_device *device, unsigned n_vectors, uint32_t offset,
                             const void *data, unsigned length);
