/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MSI-X: a table of messages, each sent by writing to an eventfd that the kernel listens to. */
#pragma once

#include <pthread.h>

#include "vmm/bus/pci.h"
#include "vmm/kvm/irq.h"

enum {
    MSIX_VECTORS_MAX = 64,
    MSIX_ENTRY_SIZE = 16,
};

struct msix_entry { /* PCI Local Bus 3.0, 6.8.2 */
    uint32_t address_low, address_high, data, control;
};

/* What stands behind a vector: the eventfd, and what KVM was last told of it. */
struct msix_line {
    int eventfd; /* owned */
    unsigned gsi;
    bool routed, armed;
    uint64_t address;
    uint32_t data;
};

struct msix {
    pthread_mutex_t mutex; /* guards: control, table, lines */
    uint16_t control;      /* message control: enable and function mask */
    unsigned n_vectors;
    struct msix_entry table[MSIX_VECTORS_MAX];
    struct msix_line lines[MSIX_VECTORS_MAX];
    struct irq_router *router; /* borrowed */
};

/* N vectors with eventfd and GSI each. 0 or -errno; msix_done() takes a half-built one. */
int msix_init(struct msix *msix, unsigned n_vectors, struct irq_router *router);
void msix_done(struct msix *msix);

/* Adds the capability to FUNCTION: table and pending bits in BAR. Returns its offset or -ENOSPC. */
int msix_add_capability(const struct msix *msix, struct pci_function *function, unsigned bar,
                        uint32_t table_offset, uint32_t pending_offset);

/* After the guest wrote message control, which now reads CONTROL. */
void msix_set_control(struct msix *msix, uint16_t control);

/* The guest's accesses to the table and to the pending bits, at OFFSET from their start. */
void msix_table_read(struct msix *msix, uint64_t offset, void *ret_data, unsigned length);
void msix_table_write(struct msix *msix, uint64_t offset, const void *data, unsigned length);
void msix_pending_read(struct msix *msix, uint64_t offset, void *ret_data, unsigned length);

/*
 * The eventfd that sends vector VECTOR, or -EBADF for a vector that is not there. Writing to it is
 * all that a device, or vhost, does: while the vector is masked the count waits in the eventfd,
 * which is the pending bit, and unmasking lets the kernel find it.
 */
int msix_eventfd(const struct msix *msix, unsigned vector);
