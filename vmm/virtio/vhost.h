/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A vhost device: the host's kernel serves virtqueues in the place of the VMM (linux/vhost.h). The
 * driver's notifications go to it by ioeventfd, its interrupts to the guest by irqfd; neither
 * passes through this process.
 */
#pragma once

#include "vmm/virtio/virtqueue.h"

struct vhost {
    int fd;            /* owned; -EBADF: none */
    uint64_t features; /* what the kernel can do */
};

/* What connects a virtqueue with its driver. The descriptors are borrowed. */
struct vhost_eventfds {
    int kick;  /* the driver's notifications */
    int call;  /* the queue's vector, or -1 for none */
    int error; /* tells that the ring is broken */
};

/*
 * Makes FD, a fresh vhost device, this process's: owner and memory table. FD becomes VHOST's on
 * success only. From then on the descriptor holds this process's memory, so nobody else may keep
 * it. 0 or -errno. vhost_done() takes one that was never made, with fd = -EBADF.
 */
int vhost_init(struct vhost *vhost, int fd, const struct guest_memory *memory);
void vhost_done(struct vhost *vhost);

/* Tells what the driver accepted; before the queues start. 0 or -errno. */
int vhost_set_features(struct vhost *vhost, uint64_t accepted);

/*
 * Hands over QUEUE, which was started, as vhost's queue number INDEX: size, base, addresses,
 * eventfds. The kernel looks at it once it has a backend. 0 or -errno.
 */
int vhost_queue_start(struct vhost *vhost, unsigned index, const struct virtqueue *queue,
                      const struct vhost_eventfds *eventfds);

/* Another vector, or -1, for a queue that runs. 0 or -errno. */
int vhost_queue_set_call(struct vhost *vhost, unsigned index, int call);

/* Takes the queue back, with the indices where the kernel left off. Its backend is gone by then. */
int vhost_queue_stop(struct vhost *vhost, unsigned index, struct virtqueue *queue);
