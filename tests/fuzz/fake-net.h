/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A network card of two queue pairs for the fuzzer: its TAP queues are sockets, and its threads are
 * none: their event loops, which --wrap=epoll_create1 tells of, are turned by hand.
 */
#pragma once

#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/fuzz/input.h"
#include "tests/unit/vmm/fake-kvm.h"
#include "vmm/devices/net-device.h"
#include "vmm/kvm/memory.h"

enum {
    FAKE_NET_PAIRS = 2,
    FAKE_NET_QUEUES = 2 * FAKE_NET_PAIRS + 1,
    FAKE_NET_LOOPS = 8,
    FAKE_NET_ROUNDS = 20, /* of each loop at a time, lest a device that wakes itself never ends */
    FAKE_NET_FRAME_MAX = 66000,
};

struct fake_net {
    struct virtio_device *device;
    int wires[FAKE_NET_PAIRS], taps[FAKE_NET_PAIRS]; /* the TAP ends are the device's, once taken */
    struct event_loop loops[FAKE_NET_LOOPS];
    unsigned n_loops;
};

static struct fake_net fake_net;

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);

int __wrap_epoll_create1(int flags)
{
    int fd = __real_epoll_create1(flags);

    MUST(fd >= 0 && fake_net.n_loops < FAKE_NET_LOOPS);
    fake_net.loops[fake_net.n_loops++].epoll_fd = fd;
    return fd;
}

/* A socket that says it were a TAP queue, with all that the newest kernels can. */
static int fake_net_ioctl(int fd _unused_, unsigned long request, void *argument)
{
    switch (request) {
    case TUNGETIFF:
        ((struct ifreq *)argument)->ifr_flags = IFF_TAP | IFF_VNET_HDR | IFF_MULTI_QUEUE;
        return 0;
    case TUNSETVNETHDRSZ:
    case TUNSETOFFLOAD:
    case TUNSETQUEUE:
        return 0;
    default:
        return -ENOTTY;
    }
}

static int fake_net_take_fd(void *context _unused_, const char *name)
{
    unsigned i = (unsigned)(name[strlen(name) - 1] - '0');

    MUST(i < FAKE_NET_PAIRS);
    return TAKE_FD(fake_net.taps[i]);
}

static inline void fake_net_init(const struct guest_memory *memory)
{
    const struct device_environment environment = {.memory = memory, .take_fd = fake_net_take_fd};

    fake_net = (struct fake_net){0};
    fake_kvm = (struct fake_kvm){.other = fake_net_ioctl};
    for (unsigned i = 0; i < FAKE_NET_PAIRS; i++) {
        int ends[2];

        MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
        fake_net.taps[i] = ends[0];
        fake_net.wires[i] = ends[1];
    }
    MUST(net_create("eth0,tap=fd:net,queues=2,mac=52:54:00:12:34:56,mtu=1500", &environment,
                    &fake_net.device) == 0);
}

static inline void fake_net_done(void)
{
    fake_net.device->type->destroy(fake_net.device);
    for (unsigned i = 0; i < FAKE_NET_PAIRS; i++)
        close_fd(fake_net.wires[i]);
}

/* What the device's threads would do. */
static inline void fake_net_run(void)
{
    static uint8_t frame[FAKE_NET_FRAME_MAX];

    for (unsigned round = 0, busy = 1; round < FAKE_NET_ROUNDS && busy; round++) {
        busy = 0;
        for (unsigned i = 0; i < fake_net.n_loops; i++) {
            struct pollfd p = {.fd = fake_net.loops[i].epoll_fd, .events = POLLIN};

            if (poll(&p, 1, 0) > 0) {
                busy = 1;
                (void)event_loop_wait(&fake_net.loops[i]);
            }
        }
    }
    for (unsigned i = 0; i < FAKE_NET_PAIRS; i++)
        while (recv(fake_net.wires[i], frame, sizeof(frame), 0) > 0)
            ;
}

/* N bytes, header and all, from the host's side of pair PAIR. */
static inline void fake_net_send(unsigned pair, size_t n)
{
    static uint8_t frame[FAKE_NET_FRAME_MAX];

    memset(frame, 0xab, n);
    (void)!send(fake_net.wires[pair], frame, n, MSG_NOSIGNAL);
}

/* What must be true whatever the driver did. */
static inline void fake_net_check(void)
{
    const struct virtio_device *device = fake_net.device;
    const struct net *net = net_of(fake_net.device);

    MUST(!(device->state.accepted & ~device->state.offered) ||
         !(device->state.status & VIRTIO_CONFIG_S_FEATURES_OK));
    MUST(!device->running || (device->state.status & VIRTIO_CONFIG_S_DRIVER_OK));
    MUST(net->n_active <= FAKE_NET_PAIRS && (net->n_active > 0) == device->running);
    for (unsigned i = 0; i < FAKE_NET_PAIRS; i++) {
        MUST(!net->pairs[i]->active || net->pairs[i]->started);
        MUST(!net->pairs[i]->started || device->running);
    }
    for (unsigned i = 0; device->running && i < device->n_queues; i++) {
        const struct virtqueue_state *state = &device->queues[i].state;

        /* No more was given back than was taken, and no more is kept than there is. */
        MUST((uint16_t)(state->last_available - state->next_used) <= state->size);
    }
}
