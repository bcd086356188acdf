/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A vCPU fd and its shared kvm_run page. */
#pragma once

#include "vmm/cleanup.h"

struct kvm_run;
struct vm;

struct vcpu {
    unsigned index; /* also its APIC ID */
    int fd;
    struct kvm_run *run;
    size_t run_size;
};

/* Creates vCPU INDEX of VM. 0 or -errno; logs. */
int vcpu_init(struct vcpu *vcpu, const struct vm *vm, unsigned index);
void vcpu_done(struct vcpu *vcpu);

/*
 * Enters the guest until the next exit to userspace. Returns the KVM_EXIT_ reason (≥ 0), -EINTR
 * when a signal ended it, or another -errno.
 */
int vcpu_run(struct vcpu *vcpu);

/*
 * Tells the guest that it was kept from running (PVCLOCK_GUEST_STOPPED in its kvmclock page), so
 * that its watchdogs do not take the time that went by for a lock-up. Nothing for a guest without
 * kvmclock. On the vCPU's thread.
 */
void vcpu_tell_stopped(const struct vcpu *vcpu);
