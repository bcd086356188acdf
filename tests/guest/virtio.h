/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A driver for virtio-net over PCI that a payload can be honest or hostile with. */
#pragma once

#include "guest.h"

enum {
    RING_SIZE = 16,
    FRAME_MAX = 2048,
    NET_HEADER = 12,

    COMMON_FEATURE_SELECT = 0,
    COMMON_FEATURE = 4,
    COMMON_DRIVER_FEATURE_SELECT = 8,
    COMMON_DRIVER_FEATURE = 12,
    COMMON_MSIX = 16,
    COMMON_QUEUES = 18,
    COMMON_STATUS = 20,
    COMMON_QUEUE_SELECT = 22,
    COMMON_QUEUE_SIZE = 24,
    COMMON_QUEUE_MSIX = 26,
    COMMON_QUEUE_ENABLE = 28,
    COMMON_QUEUE_NOTIFY = 30,
    COMMON_QUEUE_DESCRIPTORS = 32,
    COMMON_QUEUE_DRIVER = 40,
    COMMON_QUEUE_DEVICE = 48,

    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_NEEDS_RESET = 64,
    STATUS_READY = 15,

    DESCRIPTOR_NEXT = 1,
    DESCRIPTOR_WRITE = 2,
    DESCRIPTOR_INDIRECT = 4,
};

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

struct available {
    volatile uint16_t flags, index, ring[RING_SIZE], used_event;
};

struct used {
    volatile uint16_t flags, index;
    volatile struct {
        uint32_t id, length;
    } ring[RING_SIZE];
    volatile uint16_t available_event;
};

struct ring {
    struct descriptor descriptors[RING_SIZE] __attribute__((aligned(16)));
    struct available available __attribute__((aligned(4)));
    struct used used __attribute__((aligned(4)));
};

/* Addresses of the parts. */
struct virtio {
    uint64_t config, bar, common, isr, device, notify;
    uint32_t multiplier;
};

/* Queue 0 receives, queue 1 sends. */
extern struct ring rings[2];
extern uint8_t buffers[2][RING_SIZE][FRAME_MAX];

/* Finds the first network card and turns decoding on. */
bool virtio_find(struct virtio *ret);

/* Waits until the device is as new. */
void virtio_reset(const struct virtio *virtio);

/* Up to FEATURES_OK, with VERSION_1 and, where EXTRA asks, more of the low features. */
void virtio_negotiate(const struct virtio *virtio, uint32_t extra);

void virtio_set_queue(const struct virtio *virtio, unsigned queue, uint64_t descriptors,
                      uint64_t driver, uint64_t device);
void virtio_notify(const struct virtio *virtio, unsigned queue);
void virtio_set_ready(const struct virtio *virtio);

/* From reset to ready, with fresh rings and all receive buffers offered. */
void net_start(const struct virtio *virtio, uint32_t features);

/* Puts a frame of N bytes full of MARK into the ring and notifies. Waits until it is sent. */
void net_send(const struct virtio *virtio, uint8_t mark, uint32_t n);

/* Waits for a frame of N bytes full of MARK, and offers its buffer again. */
void net_expect(const struct virtio *virtio, uint8_t mark, uint32_t n);

/* Sends a frame, and expects the host's answer: the same with MARK + 1. */
void net_ping(const struct virtio *virtio, uint8_t mark, uint32_t n);

/* Makes HEAD available in ring QUEUE and notifies. */
void ring_offer(const struct virtio *virtio, unsigned queue, uint16_t head);
