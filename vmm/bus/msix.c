/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MSI-X table, mask and pending bits (PCI Local Bus 3.0, 6.8.2). */
#include "vmm/bus/msix.h"

#include <linux/pci_regs.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vmm/log.h"

int msix_init(struct msix *msix, unsigned n_vectors, struct irq_router *router)
{
    if (n_vectors == 0 || n_vectors > MSIX_VECTORS_MAX)
        return -EINVAL;
    memset(msix, 0, sizeof(*msix));
    pthread_mutex_init(&msix->mutex, NULL);
    msix->router = router;
    for (unsigned i = 0; i < n_vectors; i++) {
        int gsi = irq_router_new_msi(router);
        int fd = gsi < 0 ? -EBADF : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        int r = gsi < 0 ? gsi : fd < 0 ? -errno : 0;

        if (r < 0) {
            msix_done(msix);
            return r;
        }
        msix->lines[i] = (struct msix_line){.eventfd = fd, .gsi = (unsigned)gsi};
        msix->table[i].control = PCI_MSIX_ENTRY_CTRL_MASKBIT;
        msix->n_vectors++;
    }
    return 0;
}

void msix_done(struct msix *msix)
{
    if (!msix->router)
        return;
    for (unsigned i = 0; i < msix->n_vectors; i++) {
        struct msix_line *line = &msix->lines[i];

        if (line->armed)
            (void)irqfd_deassign(msix->router->vm_fd, line->gsi, line->eventfd);
        line->eventfd = close_fd(line->eventfd);
    }
    msix->n_vectors = 0;
    msix->router = NULL;
    pthread_mutex_destroy(&msix->mutex);
}

int msix_add_capability(const struct msix *msix, struct pci_function *function, unsigned bar,
                        uint32_t table_offset, uint32_t pending_offset)
{
    uint8_t capability[PCI_CAP_MSIX_SIZEOF] = {0};

    bus_put(capability + PCI_MSIX_FLAGS, 2, msix->n_vectors - 1);
    bus_put(capability + PCI_MSIX_TABLE, 4, table_offset | bar);
    bus_put(capability + PCI_MSIX_PBA, 4, pending_offset | bar);
    int at = pci_function_add_capability(function, PCI_CAP_ID_MSIX, capability, sizeof(capability));
    if (at >= 0)
        bus_put(function->writable + at + PCI_MSIX_FLAGS, 2,
                PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
    return at;
}

static bool vector_unmasked(const struct msix *msix, unsigned vector)
{
    return (msix->control & PCI_MSIX_FLAGS_ENABLE) && !(msix->control & PCI_MSIX_FLAGS_MASKALL) &&
           !(msix->table[vector].control & PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

/* Tells KVM where the vector's message goes, unless it knows. */
static int route(struct msix *msix, unsigned vector)
{
    const struct msix_entry *entry = &msix->table[vector];
    struct msix_line *line = &msix->lines[vector];
    uint64_t address = (uint64_t)entry->address_high << 32 | entry->address_low;

    if (line->routed && line->address == address && line->data == entry->data)
        return 0;
    int r = irq_router_set_msi(msix->router, line->gsi, address, entry->data);
    if (r < 0)
        return r;
    line->routed = true;
    line->address = address;
    line->data = entry->data;
    return 0;
}

/* Brings the irqfd in line with the mask bits. A message that KVM refuses stays undelivered. */
static void update_vector(struct msix *msix, unsigned vector)
{
    struct msix_line *line = &msix->lines[vector];

    if (!vector_unmasked(msix, vector)) {
        if (line->armed)
            (void)irqfd_deassign(msix->router->vm_fd, line->gsi, line->eventfd);
        line->armed = false;
        return;
    }
    int r = route(msix, vector);
    if (r >= 0 && !line->armed) {
        r = irqfd_assign(msix->router->vm_fd, line->gsi, line->eventfd);
        line->armed = r >= 0;
    }
    if (r < 0)
        log_debug("MSI-X vector %u cannot be delivered: %s", vector, strerror(-r));
}

void msix_set_control(struct msix *msix, uint16_t control)
{
    pthread_mutex_lock(&msix->mutex);
    if (msix->control != control) {
        msix->control = control;
        for (unsigned i = 0; i < msix->n_vectors; i++)
            update_vector(msix, i);
    }
    pthread_mutex_unlock(&msix->mutex);
}

void msix_table_read(struct msix *msix, uint64_t offset, void *ret_data, unsigned length)
{
    memset(ret_data, 0, length);
    if (offset >= msix->n_vectors * (uint64_t)MSIX_ENTRY_SIZE ||
        length > msix->n_vectors * (uint64_t)MSIX_ENTRY_SIZE - offset)
        return;
    pthread_mutex_lock(&msix->mutex);
    memcpy(ret_data, (const uint8_t *)msix->table + offset, length);
    pthread_mutex_unlock(&msix->mutex);
}

void msix_table_write(struct msix *msix, uint64_t offset, const void *data, unsigned length)
{
    /* Software writes whole, aligned double- or quadwords (6.8.2). */
    if ((length != 4 && length != 8) || offset % length != 0 ||
        offset >= msix->n_vectors * (uint64_t)MSIX_ENTRY_SIZE)
        return;
    unsigned vector = (unsigned)(offset / MSIX_ENTRY_SIZE);
    pthread_mutex_lock(&msix->mutex);
    memcpy((uint8_t *)msix->table + offset, data, length);
    msix->table[vector].control &= PCI_MSIX_ENTRY_CTRL_MASKBIT;
    update_vector(msix, vector);
    pthread_mutex_unlock(&msix->mutex);
}

void msix_pending_read(struct msix *msix, uint64_t offset, void *ret_data, unsigned length)
{
    /* Not poll(2), which goes on by another system call after the process was stopped. */
    static const struct timespec at_once = {0};
    uint64_t bits = 0;

    pthread_mutex_lock(&msix->mutex);
    for (unsigned i = 0; i < msix->n_vectors; i++) {
        struct pollfd p = {.fd = msix->lines[i].eventfd, .events = POLLIN};

        if (!msix->lines[i].armed && ppoll(&p, 1, &at_once, NULL) > 0)
            bits |= UINT64_C(1) << i;
    }
    pthread_mutex_unlock(&msix->mutex);
    bus_put(ret_data, length, offset < 8 ? bits >> (offset * 8) : 0);
}

int msix_eventfd(const struct msix *msix, unsigned vector)
{
    return vector < msix->n_vectors ? msix->lines[vector].eventfd : -EBADF;
}
