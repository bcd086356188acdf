/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GSI routing and irqfd. */
#include "vmm/kvm/irq.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

static int router_commit(struct irq_router *router)
{
    return ioctl(router->vm_fd, KVM_SET_GSI_ROUTING, router->table) < 0 ? -errno : 0;
}

int irq_router_init(struct irq_router *router, int vm_fd)
{
    size_t n = IRQ_IOAPIC_PINS + IRQ_MSI_MAX;
    /* Not cleared: an entry is written before it counts, and most never do. */
    struct kvm_irq_routing *table =
        malloc(sizeof(*table) + n * sizeof(struct kvm_irq_routing_entry));
    if (!table)
        return -ENOMEM;

    *table = (struct kvm_irq_routing){.nr = IRQ_IOAPIC_PINS};
    for (unsigned pin = 0; pin < IRQ_IOAPIC_PINS; pin++)
        table->entries[pin] = (struct kvm_irq_routing_entry){
            .gsi = pin,
            .type = KVM_IRQ_ROUTING_IRQCHIP,
            .u.irqchip = {.irqchip = KVM_IRQCHIP_IOAPIC, .pin = pin},
        };
    *router = (struct irq_router){
        .vm_fd = vm_fd,
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .table = table,
    };
    int r = router_commit(router);
    if (r < 0)
        irq_router_done(router);
    return r;
}

void irq_router_done(struct irq_router *router)
{
    if (!router->table)
        return;
    free(router->table);
    router->table = NULL;
    pthread_mutex_destroy(&router->mutex);
}

int irq_router_new_msi(struct irq_router *router)
{
    int gsi = -ENOSPC;

    pthread_mutex_lock(&router->mutex);
    if (router->n_msi < IRQ_MSI_MAX)
        gsi = (int)(IRQ_IOAPIC_PINS + router->n_msi++);
    pthread_mutex_unlock(&router->mutex);
    return gsi;
}

/* The table's entry for GSI, appended where there is none. */
static struct kvm_irq_routing_entry *router_entry(struct irq_router *router, unsigned gsi)
{
    for (unsigned i = IRQ_IOAPIC_PINS; i < router->table->nr; i++)
        if (router->table->entries[i].gsi == gsi)
            return &router->table->entries[i];
    return &router->table->entries[router->table->nr++];
}

int irq_router_set_msi(struct irq_router *router, unsigned gsi, uint64_t address, uint32_t data)
{
    pthread_mutex_lock(&router->mutex);
    int r = -EINVAL;
    if (gsi >= IRQ_IOAPIC_PINS && gsi < IRQ_IOAPIC_PINS + router->n_msi) {
        *router_entry(router, gsi) = (struct kvm_irq_routing_entry){
            .gsi = gsi,
            .type = KVM_IRQ_ROUTING_MSI,
            .u.msi =
                {
                    .address_lo = (uint32_t)address,
                    .address_hi = (uint32_t)(address >> 32),
                    .data = data,
                },
        };
        r = router_commit(router);
    }
    pthread_mutex_unlock(&router->mutex);
    return r;
}

static int irqfd(int vm_fd, unsigned gsi, int eventfd, uint32_t flags)
{
    struct kvm_irqfd arguments = {.fd = (uint32_t)eventfd, .gsi = gsi, .flags = flags};

    return ioctl(vm_fd, KVM_IRQFD, &arguments) < 0 ? -errno : 0;
}

int irqfd_assign(int vm_fd, unsigned gsi, int eventfd)
{
    return irqfd(vm_fd, gsi, eventfd, 0);
}

int irqfd_deassign(int vm_fd, unsigned gsi, int eventfd)
{
    return irqfd(vm_fd, gsi, eventfd, KVM_IRQFD_FLAG_DEASSIGN);
}
