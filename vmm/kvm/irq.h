/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interrupts: the GSI routing table, and eventfds that raise a GSI (irqfd). */
#pragma once

#include <pthread.h>

#include "vmm/cleanup.h"

struct kvm_irq_routing;

enum {
    IRQ_IOAPIC_PINS = 24, /* GSIs 0 to 23 are the I/O APIC's pins */
    IRQ_MSI_MAX = 1024,   /* message-signalled GSIs behind them */
};

struct irq_router {
    int vm_fd;             /* borrowed */
    pthread_mutex_t mutex; /* guards: table, n_msi */
    struct kvm_irq_routing *table;
    unsigned n_msi;
};

/* Routes the I/O APIC's pins. VM_FD stays the caller's. 0 or -errno. */
int irq_router_init(struct irq_router *router, int vm_fd);
void irq_router_done(struct irq_router *router);

/* Sets a new GSI aside for a message. Returns the GSI (≥ IRQ_IOAPIC_PINS), or -ENOSPC. */
int irq_router_new_msi(struct irq_router *router);

/* Makes GSI send the message DATA to ADDRESS (Intel SDM 3A, 11.11). 0 or -errno. */
int irq_router_set_msi(struct irq_router *router, unsigned gsi, uint64_t address, uint32_t data);

/*
 * Each write to EVENTFD raises GSI, without leaving the kernel. A count that is already in EVENTFD
 * raises it at once. 0 or -errno.
 */
int irqfd_assign(int vm_fd, unsigned gsi, int eventfd);

/* Ends that; writes stay in the eventfd's count. */
int irqfd_deassign(int vm_fd, unsigned gsi, int eventfd);
