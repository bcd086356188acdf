/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device of any kind with its driver's rings, for the tests of those that have no host behind
 * them. */
#pragma once

#include <stdatomic.h>

#include "device-driver.h"
#include "test.h"
#include "vmm/devices/device-table.h"

enum {
    WORLD_QUEUES_MAX = 5,
};

#define FEATURE(bit) (UINT64_C(1) << (bit))

struct world {
    struct guest_memory memory;
    struct virtio_device *device;
    struct thread_gate gate;
    atomic_uint signals[WORLD_QUEUES_MAX], config_signals;
    struct driver queues[WORLD_QUEUES_MAX]; /* .queue is unused but for its size */
    int file;                               /* what take_fd() hands a copy of; -EBADF: nothing */
};

static inline void world_signal_queue(void *context, unsigned queue)
{
    ((struct world *)context)->signals[queue]++;
}

static inline void world_signal_config(void *context)
{
    ((struct world *)context)->config_signals++;
}

static inline int world_take_fd(void *context, const char *name _unused_)
{
    return dup(((struct world *)context)->file);
}

static inline bool world_has_fd(void *context, const char *name _unused_)
{
    return ((struct world *)context)->file >= 0;
}

/* Guest physical address: a place for data of QUEUE's, 0x20000 bytes long. */
static inline uint64_t data_of(unsigned queue)
{
    return queue * (uint64_t)QUEUE_STRIDE + DATA;
}

static inline void *data_at(struct world *world, unsigned queue)
{
    return guest_memory_at(&world->memory, data_of(queue), 0x20000);
}

static inline uint8_t status_now(struct world *world)
{
    return device_status(world->device);
}

static inline bool wait_status(struct world *world, uint8_t bits)
{
    return device_wait_status(world->device, bits);
}

static inline void set_status(struct world *world, uint8_t status)
{
    device_set_status(world->device, status);
}

/* The driver's way to DRIVER_OK, with the queues in the mask QUEUES, and all of what is offered but
 * NOT. */
static inline void bring_up(struct world *world, unsigned queues, uint64_t not )
{
    for (unsigned i = 0; i < world->device->n_queues; i++)
        driver_attach(&world->queues[i], &world->memory, i, world->device->queue_size_max);
    device_bring_up(world->device, queues, ~not );
}

static inline void reset(struct world *world)
{
    set_status(world, 0);
    assert_true(wait_status(world, 0));
}

static inline void kick(struct world *world, unsigned queue)
{
    device_kick(world->device, queue);
}

/* Offers one buffer, kicks and waits. The used length. */
static inline uint32_t exchange_one(struct world *world, unsigned queue, uint64_t address,
                                    uint32_t length, bool in)
{
    struct driver *driver = &world->queues[queue];
    uint16_t index = driver->used->idx;

    driver_describe(driver, 0, address, length, in ? VRING_DESC_F_WRITE : 0, 0);
    driver_offer(driver, 0);
    kick(world, queue);
    assert_true(wait_used(driver, (uint16_t)(index + 1)));
    assert_int_equal(driver->used->ring[index % driver->queue.state.size].id, 0);
    return driver->used->ring[index % driver->queue.state.size].len;
}

/* A device that CREATE makes of ARGUMENT, with threads that run. FILE becomes the world's. */
static inline struct world *world_new(int (*create)(const char *, const struct device_environment *,
                                                    struct virtio_device **),
                                      const char *argument, int file)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->file = file;
    const struct device_environment environment = {.memory = &world->memory,
                                                   .take_fd = world_take_fd,
                                                   .has_fd = world_has_fd,
                                                   .context = world};
    assert_true(guest_memory_init(&world->memory, WORLD_MEMORY_MIB * MIB) >= 0);
    assert_int_equal(create(argument, &environment, &world->device), 0);
    world->device->transport = (struct virtio_transport){
        .signal_queue = world_signal_queue, .signal_config = world_signal_config, .context = world};
    thread_gate_init(&world->gate, NULL, NULL);
    assert_int_equal(virtio_device_start_threads(world->device, &world->gate), 1);
    thread_gate_open(&world->gate);
    return world;
}

static inline void world_free(struct world *world)
{
    world->device->type->destroy(world->device);
    thread_gate_done(&world->gate);
    guest_memory_done(&world->memory);
    world->file = close_fd(world->file);
    free(world);
}
