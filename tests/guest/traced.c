/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The VMM for filter-uses, never installed: its filters tell a tracer of each allowed call. So that
 * what depends on the host and on chance is seen each time, the clock is read by the system call,
 * as where the vDSO cannot, and the threads that wait for the start find the gate's lock taken.
 */
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/clock.h"
#include "vmm/thread.h"

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
void __real_thread_gate_open(struct thread_gate *gate);
void __wrap_thread_gate_open(struct thread_gate *gate);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
    return (int)syscall(SYS_clock_gettime, clock, ret);
}

void __wrap_thread_gate_open(struct thread_gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->state = GATE_OPEN;
    pthread_cond_broadcast(&gate->left_shut);
    for (uint64_t end = clock_now_ns() + CLOCK_NS_PER_SEC / 2; clock_now_ns() < end;)
        ;
    pthread_mutex_unlock(&gate->mutex);
    __real_thread_gate_open(gate);
}
