/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-blk between a driver's rings and an image in memory, for the tests of every part of it. */
#pragma once

#include <fcntl.h>
#include <stdatomic.h>

#include "device-driver.h"
#include "test.h"
#include "vmm/devices/disk-device.h"
#include "vmm/devices/disk-ring.h"

enum {
    IMAGE_SIZE = 1024 * 1024,
    IMAGE_SECTORS = IMAGE_SIZE / DISK_SECTOR_SIZE,
    NO_STATUS = 0xee,
};

#define FEATURE(bit) (UINT64_C(1) << (bit))

/* What a test program runs with, each test the same: the word that its command line has. */
static const char *engine = "sync";

struct world {
    int image; /* the test's own descriptor */
    struct guest_memory memory;
    struct virtio_device *device;
    struct thread_gate gate;
    unsigned n_queues;
    atomic_uint signals[DISK_QUEUES_MAX], config_signals;
    struct driver queues[DISK_QUEUES_MAX]; /* .queue is unused: the device has its own */
};

/* A part of a chain; IN: the device writes it. */
struct piece {
    uint64_t address;
    uint32_t length;
    bool in;
};

static inline void world_signal_queue(void *context, unsigned queue)
{
    ((struct world *)context)->signals[queue]++;
}

static inline void world_signal_config(void *context)
{
    ((struct world *)context)->config_signals++;
}

/* Hands over a description of its own, as the fd store does. */
static inline int world_take_fd(void *context, const char *name)
{
    char path[64];

    assert_string_equal(name, "disk");
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", ((struct world *)context)->image);
    return open(path, O_RDWR | O_CLOEXEC);
}

/* Guest physical addresses of queue I: a header, a status and data. */
static inline uint64_t header_of(unsigned i)
{
    return i * (uint64_t)QUEUE_STRIDE + DATA;
}

static inline uint64_t status_of(unsigned i)
{
    return header_of(i) + 0x100;
}

static inline uint64_t data_of(unsigned i)
{
    return header_of(i) + 0x1000;
}

static inline uint8_t *data_at(struct world *world, unsigned i)
{
    return guest_memory_at(&world->memory, data_of(i), 0x20000);
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

/* The driver's way to DRIVER_OK, with all queues, and all of what is offered but NOT. */
static inline void bring_up(struct world *world, uint64_t not )
{
    for (unsigned i = 0; i < world->n_queues; i++)
        driver_attach(&world->queues[i], &world->memory, i, DISK_QUEUE_SIZE);
    device_bring_up(world->device, (1u << world->n_queues) - 1, ~not );
}

static inline void kick(struct world *world, unsigned queue)
{
    device_kick(world->device, queue);
}

/* A device on IMAGE, which becomes the world's, with threads that run. OPTIONS follow "file=". */
static inline struct world *world_new(int image, const char *options, unsigned queues)
{
    struct world *world = calloc(1, sizeof(*world));
    const struct device_environment environment = {
        .memory = &world->memory, .take_fd = world_take_fd, .context = world};
    char argument[128];

    assert_non_null(world);
    world->image = image;
    world->n_queues = queues;
    assert_true(guest_memory_init(&world->memory, WORLD_MEMORY_MIB * MIB) >= 0);
    (void)snprintf(argument, sizeof(argument), "root,file=fd:disk,queues=%u,engine=%s%s", queues,
                   engine, options);
    assert_int_equal(disk_create(argument, &environment, &world->device), 0);
    world->device->transport = (struct virtio_transport){
        .signal_queue = world_signal_queue, .signal_config = world_signal_config, .context = world};
    thread_gate_init(&world->gate, NULL, NULL);
    assert_int_equal(virtio_device_start_threads(world->device, &world->gate), queues);
    thread_gate_open(&world->gate);
    return world;
}

static inline void world_free(struct world *world)
{
    world->device->type->destroy(world->device);
    thread_gate_done(&world->gate);
    guest_memory_done(&world->memory);
    world->image = close_fd(world->image);
    free(world);
}

/* Takes the engine from the command line; where it is not to be had, the test program is skipped.
 */
static inline void choose_engine(int argc, char **argv)
{
    if (argc > 1)
        engine = argv[1];
    struct disk_ring *ring = NULL;
    int r = strcmp(engine, "sync") == 0 ? 0 : disk_ring_new(STDIN_FILENO, 1, &ring);
    if (r < 0) {
        print_message("There is no io_uring here (error %d): not tested\n", r);
        exit(77);
    }
    disk_ring_free(ring);
}

/* An image in memory whose every sector begins with its number. */
static inline int world_image(void)
{
    int fd = memfd_create("image", MFD_CLOEXEC);

    assert_true(fd >= 0 && ftruncate(fd, IMAGE_SIZE) == 0);
    for (uint64_t i = 0; i < IMAGE_SECTORS; i++)
        assert_int_equal(pwrite(fd, &i, sizeof(i), (off_t)(i * DISK_SECTOR_SIZE)), sizeof(i));
    return fd;
}

/* The chain that begins at FIRST once more, by a head of its own: none may be offered twice. */
static inline void offer_again(struct driver *driver, uint16_t first, uint16_t head)
{
    driver->descriptors[head] = driver->descriptors[first];
    driver_offer(driver, head);
}

/* Describes header, PIECES and status from descriptor 0 on, and offers the chain. */
static inline void offer(struct world *world, unsigned queue, uint32_t type, uint64_t sector,
                         const struct piece *pieces, unsigned n)
{
    const struct virtio_blk_outhdr header = {.type = type, .sector = sector};
    struct driver *driver = &world->queues[queue];
    uint8_t none = NO_STATUS;
    uint16_t i = 0;

    (void)guest_memory_write(&world->memory, header_of(queue), &header, sizeof(header));
    (void)guest_memory_write(&world->memory, status_of(queue), &none, 1);
    driver_describe(driver, i, header_of(queue), sizeof(header), VRING_DESC_F_NEXT, 1);
    for (i = 1; i <= n; i++, pieces++)
        driver_describe(driver, i, pieces->address, pieces->length,
                        (uint16_t)(VRING_DESC_F_NEXT | (pieces->in ? VRING_DESC_F_WRITE : 0)),
                        (uint16_t)(i + 1));
    driver_describe(driver, i, status_of(queue), 1, VRING_DESC_F_WRITE, 0);
    driver_offer(driver, 0);
}

/* The same, waits, and returns the status; the used length goes to *RET_LENGTH, unless NULL. */
static inline uint8_t request(struct world *world, unsigned queue, uint32_t type, uint64_t sector,
                              const struct piece *pieces, unsigned n, uint32_t *ret_length)
{
    struct driver *driver = &world->queues[queue];
    uint16_t index = driver->used->idx;
    uint8_t status;

    offer(world, queue, type, sector, pieces, n);
    kick(world, queue);
    assert_true(wait_used(driver, (uint16_t)(index + 1)));
    assert_int_equal(driver->used->ring[index % DISK_QUEUE_SIZE].id, 0);
    if (ret_length)
        *ret_length = driver->used->ring[index % DISK_QUEUE_SIZE].len;
    (void)guest_memory_read(&world->memory, status_of(queue), &status, 1);
    return status;
}

/* One buffer of LENGTH bytes at data_of(QUEUE). */
static inline uint8_t request_one(struct world *world, unsigned queue, uint32_t type,
                                  uint64_t sector, uint32_t length, bool in)
{
    const struct piece piece = {data_of(queue), length, in};

    return request(world, queue, type, sector, &piece, 1, NULL);
}
