/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virtio-net between a driver's rings and a real TAP interface, in a network namespace of the
 * test's own, for the tests of every part of it.
 */
#pragma once

#include <linux/virtio_net.h>
#include <sched.h>
#include <stdatomic.h>

#include "device-driver.h"
#include "tap-host.h"
#include "test.h"
#include "vmm/devices/net-features.h"
#include "vmm/devices/net.h"
#include "vmm/devices/tap.h"

enum {
    HEADER = TAP_HEADER_SIZE,
    WORLD_QUEUES = 2 * NET_PAIRS_MAX + 1,
};

/* What the plainest of drivers accepts. */
#define PLAIN_FEATURES                                                                             \
    (NET_FEATURE(VIRTIO_F_VERSION_1) | NET_FEATURE(VIRTIO_NET_F_MAC) |                             \
     NET_FEATURE(VIRTIO_NET_F_STATUS) | NET_FEATURE(VIRTIO_NET_F_MTU) |                            \
     NET_FEATURE(VIRTIO_RING_F_INDIRECT_DESC))

struct world {
    struct tap_host host;
    struct guest_memory memory;
    struct virtio_device *device;
    struct thread_gate gate;
    uint64_t accept; /* what the driver takes of what it is offered */
    atomic_uint signals[WORLD_QUEUES], config_signals;
    struct driver queues[WORLD_QUEUES]; /* .queue is unused: the device has its own */
    struct driver *receive, *transmit;  /* those of the first pair */
};

static inline void world_signal_queue(void *context, unsigned queue)
{
    ((struct world *)context)->signals[queue]++;
}

static inline void world_signal_config(void *context)
{
    ((struct world *)context)->config_signals++;
}

static inline int world_no_fd(void *context _unused_, const char *name _unused_)
{
    return -ENOENT;
}

/* Guest physical address of the data of queue I. */
static inline uint64_t data_of(unsigned i)
{
    return i * (uint64_t)QUEUE_STRIDE + DATA;
}

static inline bool wait_status(struct world *world, uint8_t bits)
{
    return device_wait_status(world->device, bits);
}

static inline void set_status(struct world *world, uint8_t status)
{
    device_set_status(world->device, status);
}

/* The driver's way to DRIVER_OK, with queues 0 to N - 1. */
static inline void bring_up(struct world *world, unsigned n)
{
    for (unsigned i = 0; i < WORLD_QUEUES; i++)
        driver_attach(&world->queues[i], &world->memory, i, NET_QUEUE_SIZE);
    device_bring_up(world->device, (1u << n) - 1, world->accept);
}

static inline void kick(struct world *world, unsigned queue)
{
    device_kick(world->device, queue);
}

/* A device with PAIRS queue pairs on the interface vtest0. */
static inline int world_new(void **state, unsigned pairs, uint64_t accept)
{
    struct world *world = calloc(1, sizeof(*world));
    const struct device_environment environment = {.memory = &world->memory,
                                                   .take_fd = world_no_fd};
    char argument[128];

    *state = world;
    if (!world || tap_host_init(&world->host, "vtest0", pairs > 1) < 0 ||
        guest_memory_init(&world->memory, WORLD_MEMORY_MIB * MIB) < 0)
        return -1;
    (void)snprintf(argument, sizeof(argument),
                   "eth0,tap=vtest0,mac=52:54:00:12:34:56,mtu=1500,queues=%u", pairs);
    if (net_create(argument, &environment, &world->device) < 0)
        return -1;
    if (tap_host_up(&world->host) < 0)
        return -1;
    world->accept = accept;
    world->receive = &world->queues[0];
    world->transmit = &world->queues[1];
    world->device->transport = (struct virtio_transport){
        .signal_queue = world_signal_queue, .signal_config = world_signal_config, .context = world};
    thread_gate_init(&world->gate, NULL, NULL);
    if (virtio_device_start_threads(world->device, &world->gate) != (int)pairs)
        return -1;
    thread_gate_open(&world->gate);
    return 0;
}

static inline int world_free(void **state)
{
    struct world *world = *state;

    world->device->type->destroy(world->device);
    thread_gate_done(&world->gate);
    guest_memory_done(&world->memory);
    tap_host_done(&world->host);
    free(world);
    return 0;
}

/* Puts a frame of N bytes into transmit queue I, header and payload in one descriptor. */
static inline void transmit_on(struct world *world, unsigned i, size_t n, uint8_t mark,
                               const struct virtio_net_hdr_v1 *header)
{
    uint8_t *p = guest_memory_at(&world->memory, data_of(i), HEADER + n);

    memcpy(p, header, HEADER);
    tap_host_frame(p + HEADER, n, mark);
    driver_describe(&world->queues[i], 0, data_of(i), (uint32_t)(HEADER + n), 0, 0);
    driver_offer(&world->queues[i], 0);
}

/* Buffer I of SIZE bytes for receive queue QUEUE. */
static inline uint8_t *offer_to(struct world *world, unsigned queue, uint16_t i, uint32_t size)
{
    uint64_t address = data_of(queue) + i * 0x2000u;

    driver_describe(&world->queues[queue], i, address, size, VRING_DESC_F_WRITE, 0);
    driver_offer(&world->queues[queue], i);
    return guest_memory_at(&world->memory, address, size);
}
