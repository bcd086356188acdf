/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A virtio device of a kind that only tests have: it counts what happens to it. */
#pragma once

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "vmm/kvm/memory.h"
#include "vmm/thread.h"
#include "vmm/virtio/device.h"

enum {
    TEST_DEVICE_QUEUES = 3,
    TEST_DEVICE_QUEUE_SIZE = 64,
    TEST_FEATURE = 5,
    TEST_STATUS_READY = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
                        VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK,
};

struct test_device {
    struct virtio_device device;
    struct guest_memory memory;
    struct thread_gate gate;
    int start_result;
    atomic_uint started, stopped, queue_signals, config_signals;
    struct event_source kick; /* of queue 0 */
    unsigned faults_a_kick;
    uint64_t written; /* the last write to the configuration, and where */
    unsigned written_offset, written_length, writes;
};

static inline void test_device_kicked(struct event_source *source, uint32_t events _unused_)
{
    struct test_device *test = container_of(source, struct test_device, kick);
    uint64_t count;
    ssize_t n _unused_ = read(source->fd, &count, sizeof(count));

    if (!test->device.running)
        return;
    for (unsigned i = 0; i < test->faults_a_kick; i++)
        virtio_device_fault(&test->device, "the test wants it");
    if (test->faults_a_kick == 0)
        test->device.transport.signal_queue(test->device.transport.context, 0);
}

static inline int test_device_start(struct virtio_device *device)
{
    struct test_device *test = container_of(device, struct test_device, device);

    if (test->start_result < 0)
        return test->start_result;
    int r = event_loop_add(&device->worker.loop, &test->kick, 1 /* EPOLLIN */);
    if (r >= 0)
        test->started++;
    return r;
}

static inline void test_device_stop(struct virtio_device *device)
{
    struct test_device *test = container_of(device, struct test_device, device);

    event_loop_remove(&device->worker.loop, &test->kick);
    test->stopped++;
}

static inline void test_device_read_config(struct virtio_device *device _unused_, uint32_t offset,
                                           void *ret_data, unsigned length)
{
    for (unsigned i = 0; i < length; i++)
        ((uint8_t *)ret_data)[i] = (uint8_t)(0x40 + offset + i);
}

static inline void test_device_write_config(struct virtio_device *device, uint32_t offset,
                                            const void *data, unsigned length)
{
    struct test_device *test = container_of(device, struct test_device, device);

    test->written = 0;
    memcpy(&test->written, data, length);
    test->written_offset = offset;
    test->written_length = length;
    test->writes++;
}

static inline void test_device_signal_queue(void *context, unsigned queue _unused_)
{
    ((struct test_device *)context)->queue_signals++;
}

static inline void test_device_signal_config(void *context)
{
    ((struct test_device *)context)->config_signals++;
}

static const struct virtio_type test_device_type = {
    .id = VIRTIO_ID_NET,
    .pci_class = 0x020000,
    .start = test_device_start,
    .stop = test_device_stop,
    .read_config = test_device_read_config,
    .write_config = test_device_write_config,
};

/* Without a thread until test_device_run(): a test then sees each step alone. */
static inline struct test_device *test_device_new(void)
{
    struct test_device *test = calloc(1, sizeof(*test));

    if (!test)
        return NULL;
    thread_gate_init(&test->gate, NULL, NULL);
    int r = guest_memory_init(&test->memory, GUEST_MEMORY_MIN);
    if (r >= 0)
        r = virtio_device_init(&test->device, &test_device_type, "test0", &test->memory,
                               UINT64_C(1) << TEST_FEATURE, TEST_DEVICE_QUEUES,
                               TEST_DEVICE_QUEUE_SIZE);
    if (r < 0) {
        free(test);
        return NULL;
    }
    test->device.transport = (struct virtio_transport){
        .signal_queue = test_device_signal_queue,
        .signal_config = test_device_signal_config,
        .context = test,
    };
    test->kick = (struct event_source){.fd = test->device.kick[0], .ready = test_device_kicked};
    return test;
}

static inline int test_device_run(struct test_device *test)
{
    int r = virtio_device_start_threads(&test->device, &test->gate);

    if (r >= 0)
        r = thread_gate_wait(&test->gate, 1);
    thread_gate_open(&test->gate);
    return r;
}

static inline void test_device_free(struct test_device *test)
{
    thread_gate_abandon(&test->gate);
    virtio_device_done(&test->device);
    thread_gate_done(&test->gate);
    guest_memory_done(&test->memory);
    free(test);
}

/* As the transport does it. */
static inline void test_device_set_status(struct test_device *test, uint8_t status)
{
    pthread_mutex_lock(&test->device.mutex);
    virtio_device_set_status(&test->device, status);
    pthread_mutex_unlock(&test->device.mutex);
}

static inline uint8_t test_device_status(struct test_device *test)
{
    pthread_mutex_lock(&test->device.mutex);
    uint8_t status = virtio_device_get_status(&test->device);
    pthread_mutex_unlock(&test->device.mutex);
    return status;
}

/* Waits up to ten seconds until all bits of STATUS are set, or, where it is 0, until all are clear.
 */
static inline bool test_device_wait(struct test_device *test, uint8_t status)
{
    for (unsigned i = 0; i < 10000; i++) {
        uint8_t now = test_device_status(test);

        if (status ? (now & status) == status : now == 0)
            return true;
        (void)usleep(1000);
    }
    return false;
}

/* The same for a counter. */
static inline bool test_device_wait_count(const atomic_uint *count, unsigned n)
{
    for (unsigned i = 0; i < 10000; i++) {
        if (atomic_load(count) == n)
            return true;
        (void)usleep(1000);
    }
    return false;
}

/* Features, one queue with good addresses, FEATURES_OK: all but DRIVER_OK. */
static inline void test_device_prepare(struct test_device *test)
{
    struct virtio_device *device = &test->device;
    uint8_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

    test_device_set_status(test, status);
    pthread_mutex_lock(&device->mutex);
    virtio_device_set_accepted(device, 1, 1u << (VIRTIO_F_VERSION_1 - 32));
    device->queues[0].state.descriptor_area = 0x100000;
    device->queues[0].state.driver_area = 0x110000;
    device->queues[0].state.device_area = 0x120000;
    virtio_device_set_status(device, status | VIRTIO_CONFIG_S_FEATURES_OK);
    virtio_device_enable_queue(device, 0);
    pthread_mutex_unlock(&device->mutex);
}

static inline void test_device_kick(struct test_device *test)
{
    uint64_t one = 1;
    ssize_t n _unused_ = write(test->device.kick[0], &one, sizeof(one));
}
