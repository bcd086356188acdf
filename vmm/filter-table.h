/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The system calls that each kind of thread may make after the lock-down; any other ends the
 * process. */
#pragma once

#include <asm/ioctls.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <linux/vhost.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* CALL with any arguments, or with argument ARGUMENT (from 0) equal to VALUE. */
struct filter_rule {
    int call;
    int argument; /* -1: any */
    uint64_t value;
};

/* Every thread: log lines, locks, the clock where the vDSO cannot read it, the end. */
#define FILTER_COMMON                                                                              \
    {SCMP_SYS(write), -1, 0}, {SCMP_SYS(futex), -1, 0}, {SCMP_SYS(clock_gettime), -1, 0},          \
        {SCMP_SYS(restart_syscall), -1, 0},                                                        \
    {                                                                                              \
        SCMP_SYS(exit_group), -1, 0                                                                \
    }

/* Enters the guest; routes, masks and unmasks interrupts and moves ioeventfds as the guest asks. */
static const struct filter_rule filter_table_vcpu[] = {
    FILTER_COMMON,
    {SCMP_SYS(ioctl), 1, KVM_RUN},
    {SCMP_SYS(ioctl), 1, KVM_KVMCLOCK_CTRL}, /* once, after the process was stopped */
    {SCMP_SYS(ioctl), 1, KVM_IRQFD},
    {SCMP_SYS(ioctl), 1, KVM_IOEVENTFD},
    {SCMP_SYS(ioctl), 1, KVM_SET_GSI_ROUTING},
    {SCMP_SYS(poll), -1, 0}, /* pending bits of masked vectors */
};

/* Moves data between rings and descriptors, or begins and ends to have the kernel do it. */
static const struct filter_rule filter_table_device[] = {
    FILTER_COMMON,
    {SCMP_SYS(epoll_wait), -1, 0},
    {SCMP_SYS(epoll_ctl), -1, 0},
    {SCMP_SYS(read), -1, 0},
    {SCMP_SYS(readv), -1, 0},
    {SCMP_SYS(writev), -1, 0},
    {SCMP_SYS(preadv), -1, 0}, /* disks */
    {SCMP_SYS(pwritev), -1, 0},
    {SCMP_SYS(fdatasync), -1, 0},
    {SCMP_SYS(fallocate), -1, 0},
    {SCMP_SYS(ioctl), 1, BLKDISCARD},
    {SCMP_SYS(lseek), 2, SEEK_END}, /* how large a disk has become */
    {SCMP_SYS(getrandom), 2, 0},    /* entropy for the guest; no flags */
    /* Each ring was restricted when it was made (devices/disk-ring.c), and none is made now. */
    {SCMP_SYS(io_uring_enter), 3, 0},
    {SCMP_SYS(io_uring_enter), 3, IORING_ENTER_GETEVENTS},
    {SCMP_SYS(ioctl), 1, TUNSETOFFLOAD}, /* what the driver negotiated */
    {SCMP_SYS(ioctl), 1, TUNSETQUEUE},   /* how many queue pairs it uses */
    {SCMP_SYS(ioctl), 1, VHOST_SET_FEATURES},
    {SCMP_SYS(ioctl), 1, VHOST_SET_VRING_NUM},
    {SCMP_SYS(ioctl), 1, VHOST_SET_VRING_ADDR},
    {SCMP_SYS(ioctl), 1, VHOST_SET_VRING_BASE},
    {SCMP_SYS(ioctl), 1, VHOST_GET_VRING_BASE},
    {SCMP_SYS(ioctl), 1, VHOST_SET_VRING_KICK},
    {SCMP_SYS(ioctl), 1, VHOST_SET_VRING_CALL},
    {SCMP_SYS(ioctl), 1, VHOST_SET_VRING_ERR},
    {SCMP_SYS(ioctl), 1, VHOST_NET_SET_BACKEND},
    {SCMP_SYS(ioctl), 1, VHOST_VSOCK_SET_RUNNING},
};

/* The event loop: signals, timers, console, word to systemd. */
static const struct filter_rule filter_table_main[] = {
    FILTER_COMMON,
    {SCMP_SYS(epoll_wait), -1, 0},
    {SCMP_SYS(epoll_ctl), -1, 0},
    {SCMP_SYS(read), -1, 0},
    {SCMP_SYS(timerfd_settime), -1, 0},
    {SCMP_SYS(accept4), 3, SOCK_CLOEXEC | SOCK_NONBLOCK}, /* on sockets that root listens on */
    {SCMP_SYS(close), -1, 0},                             /* what was accepted */
    {SCMP_SYS(sendto), 4, 0},                             /* on the connected socket: no address */
    {SCMP_SYS(ioctl), 1, TCSETSF},                        /* gives the terminal back */
};
