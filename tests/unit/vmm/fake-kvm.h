/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A VM fd that is none: ioctl(2) is replaced at link time (--wrap=ioctl), and what KVM would have
 * been told is written down. Tests of interrupts then run on every machine.
 */
#pragma once

#include <linux/kvm.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "vmm/cleanup.h"

enum {
    FAKE_VM_FD = 1000000,
    FAKE_EVENTS_MAX = 64,
};

struct fake_irqfd {
    unsigned gsi;
    int eventfd;
};

struct fake_ioeventfd {
    uint64_t address;
    int eventfd;
    unsigned length;
};

struct fake_kvm {
    unsigned n_irqfds, n_ioeventfds, n_routings, n_failed;
    struct fake_irqfd irqfds[FAKE_EVENTS_MAX];
    struct fake_ioeventfd ioeventfds[FAKE_EVENTS_MAX];
    struct kvm_irq_routing_entry routes[2048];
    unsigned n_routes;
    int fail; /* this errno for everything, unless it is 0 */
    /* Asked first, where it is set; -ENOTTY leaves the request to KVM. */
    int (*other)(int fd, unsigned long request, void *argument);
};

static struct fake_kvm fake_kvm;

static inline int fake_irqfd(const struct kvm_irqfd *irqfd)
{
    for (unsigned i = 0; i < fake_kvm.n_irqfds; i++) {
        if (fake_kvm.irqfds[i].gsi != irqfd->gsi || fake_kvm.irqfds[i].eventfd != (int)irqfd->fd)
            continue;
        if (!(irqfd->flags & KVM_IRQFD_FLAG_DEASSIGN))
            return EBUSY;
        fake_kvm.irqfds[i] = fake_kvm.irqfds[--fake_kvm.n_irqfds];
        return 0;
    }
    if (irqfd->flags & KVM_IRQFD_FLAG_DEASSIGN)
        return 0; /* as KVM */
    fake_kvm.irqfds[fake_kvm.n_irqfds++] = (struct fake_irqfd){irqfd->gsi, (int)irqfd->fd};
    return 0;
}

static inline int fake_ioeventfd(const struct kvm_ioeventfd *ioeventfd)
{
    for (unsigned i = 0; i < fake_kvm.n_ioeventfds; i++) {
        if (fake_kvm.ioeventfds[i].address != ioeventfd->addr)
            continue;
        if (!(ioeventfd->flags & KVM_IOEVENTFD_FLAG_DEASSIGN))
            return EEXIST;
        if (fake_kvm.ioeventfds[i].eventfd != ioeventfd->fd)
            continue;
        fake_kvm.ioeventfds[i] = fake_kvm.ioeventfds[--fake_kvm.n_ioeventfds];
        return 0;
    }
    if (ioeventfd->flags & KVM_IOEVENTFD_FLAG_DEASSIGN)
        return ENOENT;
    fake_kvm.ioeventfds[fake_kvm.n_ioeventfds++] =
        (struct fake_ioeventfd){ioeventfd->addr, ioeventfd->fd, ioeventfd->len};
    return 0;
}

static inline int fake_routing(const struct kvm_irq_routing *routing)
{
    fake_kvm.n_routings++;
    fake_kvm.n_routes = routing->nr;
    for (unsigned i = 0; i < routing->nr; i++)
        fake_kvm.routes[i] = routing->entries[i];
    return 0;
}

/* The message that GSI sends, or NULL. */
static inline const struct kvm_irq_routing_msi *fake_message(unsigned gsi)
{
    for (unsigned i = 0; i < fake_kvm.n_routes; i++)
        if (fake_kvm.routes[i].gsi == gsi && fake_kvm.routes[i].type == KVM_IRQ_ROUTING_MSI)
            return &fake_kvm.routes[i].u.msi;
    return NULL;
}

static inline bool fake_armed(int eventfd)
{
    for (unsigned i = 0; i < fake_kvm.n_irqfds; i++)
        if (fake_kvm.irqfds[i].eventfd == eventfd)
            return true;
    return false;
}

int __wrap_ioctl(int fd, unsigned long request, ...);

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    int error = fd == FAKE_VM_FD ? fake_kvm.fail : EBADF;

    va_start(ap, request);
    void *argument = va_arg(ap, void *);
    va_end(ap);
    if (fake_kvm.other) {
        int r = fake_kvm.other(fd, request, argument);

        if (r != -ENOTTY) {
            errno = r < 0 ? -r : 0;
            return r < 0 ? -1 : r;
        }
    }
    if (error == 0 && request == KVM_IRQFD)
        error = fake_irqfd(argument);
    else if (error == 0 && request == KVM_IOEVENTFD)
        error = fake_ioeventfd(argument);
    else if (error == 0 && request == KVM_SET_GSI_ROUTING)
        error = fake_routing(argument);
    else if (error == 0)
        error = ENOTTY;
    fake_kvm.n_failed += error != 0;
    errno = error;
    return error ? -1 : 0;
}
