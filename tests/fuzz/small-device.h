/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device without a thread, and the driver's side of its queues made of a fuzz input. */
#pragma once

#include "tests/fuzz/input.h"
#include "tests/unit/vmm/driver.h"
#include "vmm/devices/device-table.h"

enum {
    SMALL_QUEUES_MAX = 5,
    SMALL_MEMORY = 16 << 20,
    SMALL_STRIDE = 0x100000,
    SMALL_DESCRIPTORS = 8,   /* that an input sets each time */
    SMALL_WATCHED = 0x60000, /* from each queue's base on: where its buffers are, most often */
};

struct small_device {
    struct guest_memory memory;
    struct virtio_device *device;
    struct driver queues[SMALL_QUEUES_MAX];
};

static inline void small_signal_queue(void *context _unused_, unsigned queue _unused_)
{
}

static inline void small_signal_config(void *context _unused_)
{
}

static inline struct small_device *small_device_new(int (*create)(const char *,
                                                                  const struct device_environment *,
                                                                  struct virtio_device **),
                                                    const char *argument)
{
    struct small_device *it = calloc(1, sizeof(*it));

    MUST(it && guest_memory_init(&it->memory, SMALL_MEMORY) == 0);
    const struct device_environment environment = {.memory = &it->memory};
    MUST(create(argument, &environment, &it->device) == 0);
    it->device->transport = (struct virtio_transport){.signal_queue = small_signal_queue,
                                                      .signal_config = small_signal_config};
    return it;
}

static inline uint64_t small_base(unsigned queue)
{
    return (queue + 1) * (uint64_t)SMALL_STRIDE;
}

/* With the queues in the mask QUEUES, and all features but NOT. The loop is ours to drive. */
static inline void small_device_start(struct small_device *it, unsigned queues, uint64_t not )
{
    struct virtio_device *device = it->device;

    device->state.accepted = device->state.offered & ~not ;
    device->state.status = 0xf;
    for (unsigned i = 0; i < device->n_queues; i++) {
        struct driver *driver = &it->queues[i];
        uint64_t base = small_base(i);

        driver->memory = it->memory;
        driver->descriptors = guest_memory_at(&it->memory, base, 4096);
        driver->available = guest_memory_at(&it->memory, base + 4096, 4096);
        driver->used = guest_memory_at(&it->memory, base + 8192, 4096);
        driver->queue.state.size = device->queue_size_max;
        memset(driver->descriptors, 0, 3 * 4096);
        virtqueue_reset(&device->queues[i], &it->memory, device->queue_size_max);
        device->queues[i].state.descriptor_area = base;
        device->queues[i].state.driver_area = base + 4096;
        device->queues[i].state.device_area = base + 8192;
        device->queues[i].state.enabled = queues >> i & 1;
        if (device->queues[i].state.enabled)
            MUST(virtqueue_start(&device->queues[i],
                                 virtio_device_has(device, VIRTIO_RING_F_EVENT_IDX)) == 0);
    }
    MUST(device->type->start(device) == 0);
    device->running = true;
}

static inline void small_device_stop(struct small_device *it)
{
    if (it->device->running)
        it->device->type->stop(it->device);
    it->device->running = false;
}

/* Descriptors and an available index of any kind; buffers are near the queue, most often. */
static inline void small_device_describe(struct small_device *it, unsigned queue,
                                         struct input *input)
{
    struct driver *driver = &it->queues[queue];
    uint8_t n = input_8(input);

    for (unsigned i = 0; i < n % SMALL_DESCRIPTORS; i++) {
        uint8_t kind = input_8(input);
        uint64_t address =
            kind & 0x80 ? input_64(input) : small_base(queue) + 0x10000 + input_16(input) * 4u;

        driver_describe(driver, input_8(input) % SMALL_DESCRIPTORS, address,
                        kind & 0x40 ? input_32(input) : input_16(input), kind & 7,
                        input_8(input) % (SMALL_DESCRIPTORS + 1));
    }
    if (n & 0x80)
        driver->available->idx = input_16(input);
    else
        driver_offer(driver, input_8(input) % (SMALL_DESCRIPTORS + 1));
}

/* Lets the device see a notification, and do all that follows from it. */
static inline void small_device_kick(struct small_device *it, unsigned queue)
{
    uint64_t one = 1;

    for (unsigned i = 0; i < 4 && it->device->running; i++) {
        MUST(write(it->device->kick[queue], &one, sizeof(one)) == (ssize_t)sizeof(one));
        MUST(event_loop_wait(&it->device->worker.loop) == 0);
    }
}

/* What a guest's own descriptors let a device write to: a byte in one of them, or in the used ring.
 */
static inline bool small_may_write(const struct small_device *it, unsigned queue, uint64_t gpa)
{
    uint64_t used = small_base(queue) + 8192;

    if (gpa >= used && gpa < used + 4096)
        return true;
    for (unsigned i = 0; i < it->device->queue_size_max; i++) {
        const struct vring_desc *descriptor = &it->queues[queue].descriptors[i];

        if ((descriptor->flags & VRING_DESC_F_WRITE) && gpa >= descriptor->addr &&
            gpa - descriptor->addr < descriptor->len)
            return true;
        if (descriptor->flags & VRING_DESC_F_INDIRECT)
            return true; /* not followed here */
    }
    return false;
}

/* BEFORE is what was in SMALL_WATCHED bytes at the queue's base. */
static inline bool small_device_wrote_only_what_it_may(const struct small_device *it,
                                                       unsigned queue, const uint8_t *before)
{
    uint64_t base = small_base(queue);
    const uint8_t *now = it->memory.base + base;

    for (uint64_t page = 0; page < SMALL_WATCHED; page += 4096)
        if (memcmp(before + page, now + page, 4096) != 0)
            for (uint64_t at = page; at < page + 4096; at++)
                if (before[at] != now[at] && !small_may_write(it, queue, base + at))
                    return false;
    return true;
}
