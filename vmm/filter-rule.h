/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a table of system calls is written. What no rule allows ends the process, and so does an
 * allowed call with other arguments.
 */
#pragma once

#include <linux/futex.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>

/* The kernel looks at no more of an argument than MASK has: VALUE stands there. */
struct filter_condition {
    unsigned argument; /* from 0 */
    uint64_t mask, value;
    const char *text; /* NULL: no condition */
};

struct filter_rule {
    int call;
    const char *name, *why;
    struct filter_condition conditions[2];
};

/* CALL may be made, with any arguments but for the conditions that follow; WHY is for people. */
#define CALL(call, why, ...)                                                                       \
    {                                                                                              \
        SYS_##call, #call, why,                                                                    \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* ARGUMENT, which the kernel takes as 32 bits, is VALUE. */
#define INT(argument, name, value)                                                                 \
    {                                                                                              \
        argument, UINT32_MAX, (uint32_t)(value), name " = " #value                                 \
    }

/* The same for a pointer, a size or an offset. */
#define LONG(argument, name, value)                                                                \
    {                                                                                              \
        argument, UINT64_MAX, (uint64_t)(value), name " = " #value                                 \
    }

/* Every thread: log lines and locks. */
#define FILTER_ANY_THREAD                                                                          \
    CALL(write, "log lines; eventfds, which wake other threads"),                                  \
        CALL(futex, "waits for a lock", INT(1, "operation", FUTEX_WAIT_PRIVATE)),                  \
        CALL(futex, "wakes those that wait", INT(1, "operation", FUTEX_WAKE_PRIVATE))

/* Those that are made before the lock-down: they wait until all are there. */
#define FILTER_MADE_THREAD                                                                         \
    FILTER_ANY_THREAD, CALL(futex, "waits for the start, or for another thread's answer",          \
                            INT(1, "operation", FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME))

/* Those of devices, which wait for file descriptors (virtio/worker.c). */
#define FILTER_DEVICE_THREAD                                                                       \
    FILTER_MADE_THREAD, CALL(epoll_wait, "waits for the guest and the host"),                      \
        CALL(epoll_ctl, "for what it waits", INT(1, "operation", EPOLL_CTL_ADD)),                  \
        CALL(epoll_ctl, "and for what no more", INT(1, "operation", EPOLL_CTL_DEL)),               \
        CALL(read, "eventfds and timers")

/* The clock is read without the kernel, where the host's clock source allows that. */
#define FILTER_CLOCK(why) CALL(clock_gettime, why, INT(0, "clock", CLOCK_MONOTONIC))
