/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One queue pair of virtio-net (virtio 1.2, 5.1.2): a TAP queue of the host, a receiveq and a
 * transmitq, and the backend that moves packets between them. All calls come on the device's
 * thread.
 */
#pragma once

#include "vmm/devices/tap.h"
#include "vmm/virtio/device.h"
#include "vmm/virtio/vhost.h"

struct net_pair;

struct net_backend {
    const struct filter *filter; /* of the device's threads */
    /* Makes a thread that waits at GATE. The number of threads made, or -errno. */
    int (*start_thread)(struct net_pair *pair, struct thread_gate *gate);
    /* The two virtqueues were started and are served from here on. 0 or -errno. */
    int (*start)(struct net_pair *pair);
    /* After this returns, nothing touches the virtqueues. Only for a pair that was started. */
    void (*stop)(struct net_pair *pair);
    /* Whether the TAP queue takes part. Only for a pair that was started. 0 or -errno. */
    int (*set_active)(struct net_pair *pair, bool active);
    /* The driver chose other vectors. 0 or -errno. */
    int (*vectors_changed)(struct net_pair *pair);
    /* Now and then: whether the interface is still there. */
    void (*look)(struct net_pair *pair);
    void (*free)(struct net_pair *pair);
};

struct net_pair {
    const struct net_backend *backend;
    struct virtio_device *device; /* borrowed */
    unsigned index;
    int tap_fd;       /* owned */
    bool multi_queue; /* the TAP has several queues, which can be detached */
    bool started, active;
    /* The interface is no more; called from any of the device's threads. */
    void (*tap_lost)(struct virtio_device *device);
};

/* The device's numbers of the pair's virtqueues. */
static inline unsigned net_pair_receiveq(const struct net_pair *pair)
{
    return 2 * pair->index;
}

static inline unsigned net_pair_transmitq(const struct net_pair *pair)
{
    return 2 * pair->index + 1;
}

/* Whether the host gives packets to the pair's TAP queue. The first one always takes part. */
static inline void net_pair_attach(const struct net_pair *pair, bool attached)
{
    if (pair->multi_queue && pair->index > 0)
        (void)tap_set_attached(pair->tap_fd, attached);
}

/* Backends. Each takes over TAP_FD, and VHOST, on success only. 0 with *RET, or -errno. */
int net_path_new(struct virtio_device *device, unsigned index, int tap_fd, struct net_pair **ret);
int net_vhost_new(struct virtio_device *device, unsigned index, int tap_fd, struct vhost *vhost,
                  struct net_pair **ret);
