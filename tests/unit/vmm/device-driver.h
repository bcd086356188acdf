/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A driver's side of a whole device: its way to DRIVER_OK, kicks, and waiting for what comes back.
 */
#pragma once

#include <stdatomic.h>
#include <unistd.h>

#include "driver.h"
#include "test.h"
#include "vmm/virtio/device.h"

enum {
    QUEUE_STRIDE = 0x100000, /* between the addresses of one queue and the next */
    WORLD_MEMORY_MIB = 32,
    READY = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK |
            VIRTIO_CONFIG_S_DRIVER_OK,
};

/* Makes DRIVER that of queue I, with empty rings; its .queue stays unused but for the size. */
static inline void driver_attach(struct driver *driver, const struct guest_memory *memory,
                                 unsigned i, uint16_t size)
{
    uint64_t base = i * (uint64_t)QUEUE_STRIDE;

    driver->memory = *memory;
    driver->queue.state.size = size;
    driver->descriptors = guest_memory_at(memory, base + DESCRIPTORS, 4096);
    driver->available = guest_memory_at(memory, base + AVAILABLE, 4096);
    driver->used = guest_memory_at(memory, base + USED, 4096);
    memset(driver->descriptors, 0, 4096);
    memset(driver->available, 0, 4096);
    memset(driver->used, 0, 4096);
}

static inline bool wait_used(const struct driver *driver, uint16_t index)
{
    for (unsigned i = 0; i < 100000; i++) {
        if (__atomic_load_n(&driver->used->idx, __ATOMIC_ACQUIRE) == index)
            return true;
        (void)usleep(100);
    }
    return false;
}

/* For a signal, which comes after what it tells of. */
static inline bool wait_count(const atomic_uint *count, unsigned n)
{
    for (unsigned i = 0; i < 10000; i++) {
        if (atomic_load(count) >= n)
            return true;
        (void)usleep(1000);
    }
    return false;
}

static inline uint8_t device_status(struct virtio_device *device)
{
    pthread_mutex_lock(&device->mutex);
    uint8_t now = virtio_device_get_status(device);
    pthread_mutex_unlock(&device->mutex);
    return now;
}

/* For all of BITS, or, where these are none, for the end of a reset. */
static inline bool device_wait_status(struct virtio_device *device, uint8_t bits)
{
    for (unsigned i = 0; i < 10000; i++) {
        uint8_t now = device_status(device);

        if (bits ? (now & bits) == bits : now == 0)
            return true;
        (void)usleep(1000);
    }
    return false;
}

static inline void device_set_status(struct virtio_device *device, uint8_t status)
{
    pthread_mutex_lock(&device->mutex);
    virtio_device_set_status(device, status);
    pthread_mutex_unlock(&device->mutex);
}

/* The driver's way to DRIVER_OK, with the queues in the mask QUEUES, and ACCEPT of what is offered.
 */
static inline void device_bring_up(struct virtio_device *device, unsigned queues, uint64_t accept)
{
    pthread_mutex_lock(&device->mutex);
    uint64_t accepted = device->state.offered & accept;
    virtio_device_set_status(device, READY & 3);
    virtio_device_set_accepted(device, 0, (uint32_t)accepted);
    virtio_device_set_accepted(device, 1, (uint32_t)(accepted >> 32));
    virtio_device_set_status(device, READY & ~VIRTIO_CONFIG_S_DRIVER_OK);
    for (unsigned i = 0; i < device->n_queues; i++) {
        struct virtqueue_state *state = &device->queues[i].state;
        uint64_t base = i * (uint64_t)QUEUE_STRIDE;

        state->descriptor_area = base + DESCRIPTORS;
        state->driver_area = base + AVAILABLE;
        state->device_area = base + USED;
        if (queues >> i & 1)
            virtio_device_enable_queue(device, i);
    }
    virtio_device_set_status(device, READY);
    pthread_mutex_unlock(&device->mutex);
}

static inline void device_kick(const struct virtio_device *device, unsigned queue)
{
    uint64_t one = 1;

    assert_int_equal(write(device->kick[queue], &one, 8), 8);
}
