/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The split virtqueue (virtio 1.2, 2.7), device side. Everything in it is the guest's, and hostile.
 */
#pragma once

#include <linux/virtio_ring.h>
#include <sys/uio.h>

#include "vmm/cleanup.h"

struct guest_memory;

enum {
    VIRTQUEUE_SIZE_MAX = 256,
    VIRTQUEUE_CHAIN_MAX = 256, /* descriptors of one chain, indirect ones included */
};

/* What the queue is: enough to save it and to go on from. */
struct virtqueue_state {
    uint16_t size; /* descriptors; the guest may lower it */
    bool enabled;
    uint64_t descriptor_area, driver_area, device_area; /* guest physical addresses */
    uint16_t last_available, next_used;                 /* free-running indices */
};

struct virtqueue {
    struct virtqueue_state state;
    const struct guest_memory *memory;
    bool event_index; /* VIRTIO_F_EVENT_IDX was negotiated */
    uint16_t signalled_used;
    /* Set by virtqueue_start(): checked to be RAM for the queue's size. */
    const struct vring_desc *descriptors;
    struct vring_avail *available;
    struct vring_used *used;
    /* By head: whether the device has it, and how many bytes the driver lets be written to. */
    uint64_t taken[(VIRTQUEUE_SIZE_MAX + 63) / 64];
    uint32_t writable[VIRTQUEUE_SIZE_MAX];
};

/* One request: what the device reads (out), then what it writes (in). Buffers are checked guest
 * RAM. */
struct virtqueue_chain {
    uint16_t head;
    unsigned n_out, n_in;
    uint64_t out_bytes, in_bytes;
    struct iovec iov[VIRTQUEUE_CHAIN_MAX]; /* out, then in */
};

/* Forgets everything; a queue that may have SIZE_MAX descriptors. */
void virtqueue_reset(struct virtqueue *queue, const struct guest_memory *memory, uint16_t size_max);

/*
 * Checks size, alignment and addresses (2.7) and makes the queue usable. -EINVAL or -EFAULT where
 * the guest set nonsense.
 */
int virtqueue_start(struct virtqueue *queue, bool event_index);

/*
 * Takes the next available chain. 1 with *RET filled, 0 where there is none, -EPROTO where the ring
 * is broken: the device then needs a reset. No head is taken twice before it was given back, so
 * that a queue never has more under way than it has descriptors.
 */
int virtqueue_pop(struct virtqueue *queue, struct virtqueue_chain *ret);

/*
 * Copies what the device reads, from its byte OFFSET on and SIZE bytes at most, to RET; the buffers
 * stay as they are. How many.
 */
size_t virtqueue_chain_read(const struct virtqueue_chain *chain, uint64_t offset, void *ret,
                            size_t size);

/* Gives a chain back, LENGTH bytes of it written (2.7.8): the driver is told of no more than it
 * lent.
 */
void virtqueue_push(struct virtqueue *queue, uint16_t head, uint32_t length);

/* The same in two steps: the driver sees none of what was filled in before it is flushed, then all.
 */
void virtqueue_fill(struct virtqueue *queue, uint16_t head, uint32_t length);
void virtqueue_flush(struct virtqueue *queue);

/* Whether the driver wants an interrupt for what was pushed since the last call (2.7.7.2, 2.7.10).
 */
bool virtqueue_must_signal(struct virtqueue *queue);

/*
 * Asks the driver for a notification of the next buffer. True where one has come already: look
 * again instead of waiting.
 */
bool virtqueue_enable_notification(struct virtqueue *queue);
void virtqueue_disable_notification(struct virtqueue *queue);
