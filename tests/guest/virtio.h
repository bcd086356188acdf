/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio over PCI and its rings, for payloads that are honest or hostile. */
#pragma once

#include "guest.h"

enum {
    RING_SIZE = 16,
    PAIRS_MAX = 8,
    QUEUES_MAX = 2 * PAIRS_MAX + 1,

    COMMON_FEATURE_SELECT = 0,
    COMMON_FEATURE = 4,
    COMMON_DRIVER_FEATURE_SELECT = 8,
    COMMON_DRIVER_FEATURE = 12,
    COMMON_MSIX = 16,
    COMMON_QUEUES = 18,
    COMMON_STATUS = 20,
    COMMON_GENERATION = 21,
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

    NO_INTERRUPT = 1, /* in the available ring's flags */
    NO_VECTOR = 0xffff,
};

/* Cycles, before something is taken to have no end, to be lost, and to have come to rest. */
#define PATIENCE       (40ul << 30)
#define PATIENCE_BRIEF (1ul << 30)
#define PATIENCE_QUIET (4ul << 20)

/* CHECK() that the condition comes true in time. */
#define CHECK_SOON(condition, value)                                                               \
    do {                                                                                           \
        for (uint64_t begin_ = cycles(); !(condition); relax())                                    \
            if (cycles() - begin_ > PATIENCE)                                                      \
                fail("never: " #condition, (uint64_t)(value));                                     \
    } while (0)

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
    uint16_t next_used; /* the driver's own */
};

/* Addresses of the parts. */
struct virtio {
    uint64_t config, bar, common, isr, device, notify;
    uint32_t multiplier;
    uint64_t msix_control, msix_table, msix_pending;
};

/* One for each queue that a network card can have. */
extern struct ring rings[QUEUES_MAX];

/* The device in SLOT, of whatever type, with decoding turned on. */
bool virtio_find_slot(unsigned slot, unsigned *ret_type, struct virtio *ret);
/* Finds the first device of TYPE, the specification's number, and turns decoding on. */
bool virtio_find_type(unsigned type, struct virtio *ret);
/* The same of the first network card. */
bool virtio_find(struct virtio *ret);

/* Waits until the device is as new. */
void virtio_reset(const struct virtio *virtio);

/* All that the device offers. */
uint64_t virtio_offered(const struct virtio *virtio);

/* Up to FEATURES_OK, with VERSION_1 and, where EXTRA asks, more. */
void virtio_negotiate(const struct virtio *virtio, uint64_t extra);

void virtio_set_queue(const struct virtio *virtio, unsigned queue, uint64_t descriptors,
                      uint64_t driver, uint64_t device);
/* The same with an empty ring of ours. */
void virtio_set_ring(const struct virtio *virtio, unsigned queue);
void virtio_notify(const struct virtio *virtio, unsigned queue);
void virtio_set_ready(const struct virtio *virtio);

/* MSI-X: vector I is the processor's interrupt I of interrupts.h. */
void virtio_enable_vectors(const struct virtio *virtio);
void virtio_mask_vector(const struct virtio *virtio, unsigned vector, bool mask);
bool virtio_vector_pending(const struct virtio *virtio, unsigned vector);
void virtio_set_queue_vector(const struct virtio *virtio, unsigned queue, uint16_t vector);
void virtio_set_config_vector(const struct virtio *virtio, uint16_t vector);

/* Waits until the device asks for a reset; WHAT is said where it never does. */
void virtio_wait_broken(const struct virtio *virtio, const char *what);

static inline void ring_describe(unsigned queue, unsigned i, uint64_t address, uint32_t length,
                                 uint16_t flags, uint16_t next)
{
    rings[queue].descriptors[i] = (struct descriptor){address, length, flags, next};
}

/* Makes HEAD available in ring QUEUE, without and with a notification. */
void ring_add(unsigned queue, uint16_t head);
void ring_offer(const struct virtio *virtio, unsigned queue, uint16_t head);

/* Waits for the next used element of QUEUE. Returns its place in the ring. */
unsigned ring_wait(const struct virtio *virtio, unsigned queue);

/* The same with less patience: false where none comes. */
bool ring_wait_briefly(unsigned queue, unsigned *ret_at);
