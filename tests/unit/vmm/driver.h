/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A driver's side of one virtqueue in 16 MiB of guest memory, for tests: right or wrong as they
 * please. */
#pragma once

#include <string.h>

#include "vmm/kvm/memory.h"
#include "vmm/virtio/virtqueue.h"

/* Guest physical addresses */
#define DESCRIPTORS UINT64_C(0x100000)
#define AVAILABLE   UINT64_C(0x110000)
#define USED        UINT64_C(0x120000)
#define TABLE       UINT64_C(0x130000)
#define DATA        UINT64_C(0x140000)

struct driver {
    struct guest_memory memory;
    struct virtqueue queue; /* with addresses and size set, and not started */
    struct vring_desc *descriptors;
    struct vring_avail *available;
    struct vring_used *used;
};

static inline void driver_free(struct driver *driver)
{
    if (driver)
        guest_memory_done(&driver->memory);
    free(driver);
}

static inline struct driver *driver_new(uint16_t size)
{
    struct driver *driver = calloc(1, sizeof(*driver));

    if (!driver || guest_memory_init(&driver->memory, UINT64_C(16) << 20) < 0) {
        driver_free(driver);
        return NULL;
    }
    virtqueue_reset(&driver->queue, &driver->memory, size);
    driver->queue.state.descriptor_area = DESCRIPTORS;
    driver->queue.state.driver_area = AVAILABLE;
    driver->queue.state.device_area = USED;
    driver->descriptors = guest_memory_at(&driver->memory, DESCRIPTORS, 4096);
    driver->available = guest_memory_at(&driver->memory, AVAILABLE, 4096);
    driver->used = guest_memory_at(&driver->memory, USED, 4096);
    return driver;
}

static inline void driver_describe(struct driver *driver, uint16_t i, uint64_t address,
                                   uint32_t length, uint16_t flags, uint16_t next)
{
    driver->descriptors[i] =
        (struct vring_desc){.addr = address, .len = length, .flags = flags, .next = next};
}

/* Descriptor I of the indirect table at TABLE. */
static inline void driver_indirect(struct driver *driver, uint64_t table, uint16_t i,
                                   uint64_t address, uint32_t length, uint16_t flags, uint16_t next)
{
    const struct vring_desc descriptor = {
        .addr = address, .len = length, .flags = flags, .next = next};

    (void)guest_memory_write(&driver->memory, table + i * sizeof(descriptor), &descriptor,
                             sizeof(descriptor));
}

static inline void driver_offer(struct driver *driver, uint16_t head)
{
    uint16_t index = driver->available->idx;

    driver->available->ring[index % driver->queue.state.size] = head;
    /* Release: pairs with the device's look at the index. */
    __atomic_store_n(&driver->available->idx, (uint16_t)(index + 1), __ATOMIC_RELEASE);
}

static inline void driver_set_used_event(struct driver *driver, uint16_t index)
{
    driver->available->ring[driver->queue.state.size] = index;
}

static inline uint16_t driver_available_event(const struct driver *driver)
{
    uint16_t index;

    memcpy(&index, &driver->used->ring[driver->queue.state.size], sizeof(index));
    return index;
}
