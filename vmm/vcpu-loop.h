/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vCPU thread: enters the guest, and carries its port and MMIO accesses to the buses. */
#pragma once

#include <stdatomic.h>

#include "vmm/bus/bus.h"
#include "vmm/kvm/vcpu.h"

/* Why a vCPU cannot go on. */
enum vcpu_end {
    VCPU_END_TRIPLE_FAULT,
    VCPU_END_KVM_ERROR, /* logged */
};

struct vcpu_loop {
    struct vcpu *vcpu;
    const struct bus *ports, *mmio;
    void (*ended)(void *context, enum vcpu_end end);
    void *context;
    /* Counts each way into and out of KVM_RUN: odd while in there. Written by the vCPU's thread. */
    _Atomic(uint64_t) crossings;
    uint64_t crossings_seen; /* vcpu_loop_is_alive()'s */
};

/* Runs the vCPU until it ends; then reports, and waits for the process's end. A thread's main
 * function. */
void vcpu_loop_run(void *loop);

/*
 * Handles one exit that vcpu_run() returned. 0 to enter the guest again; 1 with *RET_END where the
 * vCPU ended.
 */
int vcpu_loop_handle_exit(const struct vcpu_loop *loop, int reason, enum vcpu_end *ret_end);

/*
 * Whether the vCPU is with KVM (running, halted or frozen), or was since the last call. What is
 * left is a thread that sits in this process: on a lock, or in a register access without end. One
 * caller; the first call says yes.
 */
bool vcpu_loop_is_alive(struct vcpu_loop *loop);
