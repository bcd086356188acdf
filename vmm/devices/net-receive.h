/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The receiving half of the userspace data path: from a TAP queue into a receiveq. */
#pragma once

#include "vmm/virtio/virtqueue.h"

enum {
    NET_PACKET_MAX = 65562, /* the header and the largest packet (virtio 1.2, 5.1.6.3.1) */
    NET_FRAME_MIN = 14,     /* an Ethernet header */
    NET_RECEIVE_IOV_MAX = 1023,
};

struct net_receive {
    struct virtqueue *queue; /* borrowed */
    bool mergeable;          /* VIRTIO_NET_F_MRG_RXBUF: a packet may fill several buffers */
    bool offloads;           /* VIRTIO_NET_F_GUEST_CSUM: the packet's header means something */
    /* Buffers that were taken from the ring and wait for packets. */
    unsigned n_held, n_iov;
    uint64_t held_bytes;
    /* Length of a packet that was read and needs more buffers than there were; 0: none. */
    size_t packet, packet_in_buffers;
    struct {
        uint16_t head, n_iov;
        uint64_t bytes;
    } held[VIRTQUEUE_SIZE_MAX];
    struct iovec iov[NET_RECEIVE_IOV_MAX + 1]; /* the held buffers, and room for the spill */
    struct virtqueue_chain chain;
    uint8_t spill[NET_PACKET_MAX]; /* what the held buffers had no room for */
};

/* Begins with QUEUE, which was started, and the features that the driver ACCEPTED. */
void net_receive_start(struct net_receive *receive, struct virtqueue *queue, uint64_t accepted);

/*
 * Moves one packet. 1 where it did or lost one; 0 where TAP_FD has none; -ENOBUFS where there are
 * too few buffers, of which the driver will tell; -EPROTO after a broken chain; -EBADFD where the
 * interface is gone.
 */
int net_receive_one(struct net_receive *receive, int tap_fd);
