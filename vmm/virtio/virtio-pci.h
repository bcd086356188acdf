/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio over PCI (virtio 1.2, 4.1), modern only: one BAR, MSI-X, an ioeventfd per queue. */
#pragma once

#include "vmm/bus/msix.h"
#include "vmm/virtio/device.h"

struct vm;

/* Offsets in BAR 0. Each part has a page of its own. */
enum {
    VIRTIO_PCI_BAR = 0,
    VIRTIO_PCI_PART_COMMON = 0x0000,
    VIRTIO_PCI_PART_ISR = 0x1000,
    VIRTIO_PCI_PART_DEVICE = 0x2000,
    VIRTIO_PCI_PART_NOTIFY = 0x3000,
    VIRTIO_PCI_PART_MSIX_TABLE = 0x4000,
    VIRTIO_PCI_PART_MSIX_PENDING = 0x5000,
    VIRTIO_PCI_BAR_SIZE = 0x8000,
    VIRTIO_PCI_PART_SIZE = 0x1000,
    VIRTIO_PCI_NOTIFY_MULTIPLIER = 4,
};

struct virtio_pci {
    struct pci_function function;
    struct msix msix;
    struct virtio_device *device;                /* borrowed */
    const struct vm *vm;                         /* borrowed */
    unsigned msix_capability, window_capability; /* offsets in configuration space */
    uint64_t notify_address;                     /* where the ioeventfds are; 0: nowhere */
};

/*
 * Puts DEVICE behind a PCI function with a vector per queue and one for configuration changes. All
 * arguments but PCI outlive it. 0 or -errno; virtio_pci_done() takes a zeroed or half-built one.
 */
int virtio_pci_init(struct virtio_pci *pci, struct virtio_device *device, const struct vm *vm,
                    struct irq_router *router);
void virtio_pci_done(struct virtio_pci *pci);
