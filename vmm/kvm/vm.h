/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VM fd: memslots, the in-kernel interrupt controllers, what this host's KVM can do. */
#pragma once

#include "vmm/cleanup.h"

struct guest_memory;

struct vm {
    int kvm_fd;      /* borrowed, while the machine is built: /dev/kvm */
    int fd;          /* owned */
    size_t run_size; /* bytes of a vCPU's kvm_run mapping */
    unsigned max_vcpus;
    bool any_length_ioeventfd;
    bool tsc_deadline_timer;
};

/*
 * Creates a VM on KVM_FD, which stays the caller's and must outlive the
 * VM. -ENOTSUP with a logged reason where this KVM lacks something that Volt needs; else 0 or
 * -errno.
 */
int vm_init(struct vm *vm, int kvm_fd);

/*
 * Local APICs, I/O APIC and PICs: before vCPUs and routing, but after vm_set_memory(), which waits
 * for milliseconds for whatever this begins in the kernel. 0 or -errno; logs the reason.
 */
int vm_make_interrupt_controllers(struct vm *vm);
void vm_done(struct vm *vm);

/* Gives MEMORY to the guest, one memslot a region. MEMORY must outlive the VM. 0 or -errno. */
int vm_set_memory(struct vm *vm, const struct guest_memory *memory);
