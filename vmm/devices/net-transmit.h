/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sending half of the userspace data path: from a transmitq to a TAP queue. */
#pragma once

#include "vmm/virtio/virtqueue.h"

struct net_transmit {
    struct virtqueue *queue; /* borrowed */
    bool offloads;           /* VIRTIO_NET_F_CSUM: the packet's header means something */
    void (*given_back)(struct net_transmit *); /* the driver may want an interrupt */
    struct virtqueue_chain chain;
};

/*
 * Begins with QUEUE, which was started, and the features that the driver ACCEPTED. GIVEN_BACK is
 * called after each batch of buffers, or after none.
 */
void net_transmit_start(struct net_transmit *transmit, struct virtqueue *queue, uint64_t accepted,
                        void (*given_back)(struct net_transmit *));

/*
 * Sends what the ring has, to a bound. 0 where it is empty and the driver will tell of more; 1
 * where there may be more at once; -EPROTO after a broken chain. What TAP_FD does not take is lost,
 * as on any wire; *RET_GONE: because the interface is gone. With TAP_FD < 0 everything is lost.
 */
int net_transmit_all(struct net_transmit *transmit, int tap_fd, bool *ret_gone);
