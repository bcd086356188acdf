/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The userspace data path of virtio-net: one queue pair, between a TAP queue and two virtqueues. */
#pragma once

#include "vmm/virtio/device.h"

/* Virtqueues of a pair (virtio 1.2, 5.1.2): receiveq, then transmitq. */
enum {
    NET_RECEIVE = 0,
    NET_TRANSMIT = 1,
    NET_QUEUES = 2,
};

struct net_path {
    struct virtio_device *device; /* borrowed */
    struct event_source tap;      /* the descriptor is owned */
    struct event_source receive_kick, transmit_kick;
    bool has_held; /* a receive buffer is taken from the ring and waits for a packet */
    bool tap_gone; /* the interface was deleted */
    bool tap_gone_told;
    struct virtqueue_chain held, sending;
};

/* PATH moves the packets of DEVICE's queues 0 and 1 to and from TAP_FD, which becomes its own. */
void net_path_init(struct net_path *path, struct virtio_device *device, int tap_fd);
void net_path_done(struct net_path *path);

/* On the device's thread. 0 or -errno; stopping leaves no trace but the rings' indices. */
int net_path_start(struct net_path *path);
void net_path_stop(struct net_path *path);
