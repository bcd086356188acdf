/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* KVM exits (the kernel's virt/kvm/api.rst, section 5). */
#include "vmm/vcpu-loop.h"

#include <linux/kvm.h>
#include <semaphore.h>
#include <string.h>

#include "vmm/log.h"

static void handle_port(const struct vcpu_loop *loop, struct kvm_run *run)
{
    uint8_t *data = (uint8_t *)run + run->io.data_offset;
    unsigned size = run->io.size;

    /* String instructions bring up to a page of accesses at once; KVM bounds the count. */
    for (uint32_t i = 0; i < run->io.count; i++, data += size) {
        if (run->io.direction == KVM_EXIT_IO_OUT)
            bus_write(loop->ports, run->io.port, data, size);
        else
            bus_read(loop->ports, run->io.port, data, size);
    }
}

static void handle_mmio(const struct vcpu_loop *loop, struct kvm_run *run)
{
    if (run->mmio.is_write)
        bus_write(loop->mmio, run->mmio.phys_addr, run->mmio.data, run->mmio.len);
    else
        bus_read(loop->mmio, run->mmio.phys_addr, run->mmio.data, run->mmio.len);
}

static int kvm_error(const struct vcpu_loop *loop, int reason, enum vcpu_end *ret_end)
{
    const struct kvm_run *run = loop->vcpu->run;
    unsigned index = loop->vcpu->index;

    if (reason == KVM_EXIT_INTERNAL_ERROR)
        log_error("KVM cannot go on with vCPU %u: internal error %u, %s", index,
                  run->internal.suberror,
                  run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
                      ? "an instruction that it cannot emulate"
                      : "see the kernel's log");
    else if (reason == KVM_EXIT_FAIL_ENTRY)
        log_error("KVM cannot enter vCPU %u: hardware reason %#llx", index,
                  (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
    else if (reason < 0)
        log_error("KVM cannot run vCPU %u: %s", index, strerror(-reason));
    else
        log_error("vCPU %u left the guest for a reason that is not expected: %d", index, reason);
    *ret_end = VCPU_END_KVM_ERROR;
    return 1;
}

int vcpu_loop_handle_exit(const struct vcpu_loop *loop, int reason, enum vcpu_end *ret_end)
{
    switch (reason) {
    case KVM_EXIT_IO:
        handle_port(loop, loop->vcpu->run);
        return 0;
    case KVM_EXIT_MMIO:
        handle_mmio(loop, loop->vcpu->run);
        return 0;
    case -EINTR:
        /* No signal of ours interrupts a vCPU: the process was stopped, by `systemctl freeze` most
         * likely, and now goes on. The host's clocks went on, and the guest's with them. */
        vcpu_tell_stopped(loop->vcpu);
        return 0;
    case -EAGAIN: /* an application processor that waits for its start-up message */
        return 0;
    case KVM_EXIT_SHUTDOWN:
        *ret_end = VCPU_END_TRIPLE_FAULT;
        return 1;
    default:
        return kvm_error(loop, reason, ret_end);
    }
}

/* One thread writes: there is no need of a locked instruction. */
static void cross(struct vcpu_loop *loop)
{
    uint64_t crossings = atomic_load_explicit(&loop->crossings, memory_order_relaxed);

    atomic_store_explicit(&loop->crossings, crossings + 1, memory_order_relaxed);
}

bool vcpu_loop_is_alive(struct vcpu_loop *loop)
{
    uint64_t crossings = atomic_load_explicit(&loop->crossings, memory_order_relaxed);
    bool moved = loop->crossings_seen != crossings + 1; /* at first 0, which it never is */

    loop->crossings_seen = crossings + 1;
    return moved || crossings % 2 == 1;
}

void vcpu_loop_run(void *argument)
{
    struct vcpu_loop *loop = argument;
    enum vcpu_end end;
    sem_t never;
    int reason;

    do {
        cross(loop);
        reason = vcpu_run(loop->vcpu);
        cross(loop);
    } while (vcpu_loop_handle_exit(loop, reason, &end) == 0);
    loop->ended(loop->context, end);
    /* A thread's own end takes system calls that it need not have; the process's end takes none of
     * its. */
    (void)sem_init(&never, 0, 0);
    for (;;)
        (void)sem_wait(&never);
}
