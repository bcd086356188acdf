/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-net from within: what its own files share. */
#pragma once

#include "vmm/devices/net-features.h"
#include "vmm/devices/net-pair.h"
#include "vmm/devices/net.h"

struct net {
    struct virtio_device device;
    struct virtio_net_config config; /* guarded by the device's mutex */
    unsigned n_pairs;
    struct net_pair *pairs[NET_PAIRS_MAX]; /* owned */
    /* The rest is the device thread's. */
    unsigned n_active; /* pairs that the driver uses: the first so many */
    struct event_source control_kick;
    struct event_source timer; /* owned; goes all the time */
    unsigned changes;          /* what the driver may still have the host do, until the next tick */
    uint64_t offloads;         /* what the TAP leaves to the guest */
    struct virtqueue_chain command;
    atomic_bool tap_lost_told;
};

static inline struct net *net_of(struct virtio_device *device)
{
    return container_of(device, struct net, device);
}

/* How many changes of pairs and offloads a driver may ask for in a tick: each takes the host's
 * network lock, and tells whoever listens. */
enum { NET_CHANGES_PER_TICK = 32 };

/* Uses the first N pairs. 0, or -EINVAL where so many are not ready, or -errno. */
int net_set_pairs(struct net *net, unsigned n);

/* Sets or clears BITS (VIRTIO_NET_S_*) of the configuration's status, and tells the driver. */
void net_set_status_bits(struct net *net, uint16_t bits, bool set);

/* Which virtqueue is the control queue (5.1.2); the driver decides with VIRTIO_NET_F_MQ. */
unsigned net_control_queue(const struct net *net);

/* Begins and ends to serve the control queue, on the device's thread. 0 or -errno. */
int net_control_start(struct net *net);
void net_control_stop(struct net *net);
