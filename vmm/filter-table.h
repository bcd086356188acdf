/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of filters. A device's rules stand beside the device; to remove it, delete its file and
 * its rows here. */
#pragma once

#include <asm/ioctls.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vmm/devices/balloon-filter.h"
#include "vmm/devices/console-filter.h"
#include "vmm/devices/disk-filter.h"
#include "vmm/devices/net-filter.h"
#include "vmm/devices/net-vhost-filter.h"
#include "vmm/devices/rng-filter.h"
#include "vmm/devices/vsock-filter.h"

static const struct filter_rule filter_rules_vcpu[] = {
    FILTER_MADE_THREAD,
    CALL(ioctl, "enters the guest", INT(1, "request", KVM_RUN)),
    CALL(ioctl, "tells it that it stood still", INT(1, "request", KVM_KVMCLOCK_CTRL)),
    CALL(ioctl, "masks and unmasks interrupts", INT(1, "request", KVM_IRQFD)),
    CALL(ioctl, "moves a device's notifications", INT(1, "request", KVM_IOEVENTFD)),
    CALL(ioctl, "routes interrupts", INT(1, "request", KVM_SET_GSI_ROUTING)),
    CALL(ppoll, "whether a masked interrupt is pending", INT(1, "descriptors", 1),
         LONG(3, "signal mask", 0)),
    FILTER_CLOCK("when the guest's init ran"),
};

/* The event loop. */
static const struct filter_rule filter_rules_main[] = {
    FILTER_ANY_THREAD,
    CALL(epoll_wait, "waits for signals, timers, clients and devices"),
    CALL(epoll_ctl, "for whom it waits", INT(1, "operation", EPOLL_CTL_ADD)),
    CALL(epoll_ctl, "for what of them", INT(1, "operation", EPOLL_CTL_MOD)),
    CALL(epoll_ctl, "and for whom no more", INT(1, "operation", EPOLL_CTL_DEL)),
    CALL(read, "signals, timers, the terminal, and what clients say"),
    CALL(timerfd_settime, "time-outs", INT(1, "flags", 0)),
    CALL(accept4, "clients of sockets that root listens on",
         INT(3, "flags", SOCK_CLOEXEC | SOCK_NONBLOCK)),
    CALL(close, "clients that left"),
    CALL(sendto, "word to systemd, on the connected socket", INT(3, "flags", MSG_NOSIGNAL),
         LONG(4, "address", 0)),
    CALL(ioctl, "gives the terminal back", INT(0, "descriptor", STDIN_FILENO),
         INT(1, "request", TCSETSF)),
    CALL(clock_gettime, "how long things took", INT(0, "clock", CLOCK_MONOTONIC)),
    CALL(clock_gettime, "whether the host slept", INT(0, "clock", CLOCK_BOOTTIME)),
    CALL(exit_group, "the end"),
};

struct filter_table {
    const char *id, *name, *what;
    const struct filter_rule *rules;
    size_t n;
};

#define TABLE(id, name, what)                                                                      \
    {                                                                                              \
#id, name, what, filter_rules_##id,                                                        \
            sizeof(filter_rules_##id) / sizeof(filter_rules_##id[0])                               \
    }

static const struct filter_table filter_tables[] = {
    TABLE(main, "main", "the event loop: signals, timers, serial port, clients, word to systemd"),
    TABLE(vcpu, "vcpu", "a virtual CPU"),
    TABLE(net, "net", "a network card, and each of its further queue pairs"),
    TABLE(net_vhost, "net-vhost", "a network card that vhost-net serves"),
    TABLE(disk, "disk", "a disk, and each of its further queues"),
    TABLE(disk_uring, "disk-uring", "the same with io_uring"),
    TABLE(vsock, "vsock", "sockets between guest and host"),
    TABLE(rng, "rng", "the entropy source"),
    TABLE(balloon, "balloon", "the balloon"),
    TABLE(console, "console", "the console hvc0"),
};
