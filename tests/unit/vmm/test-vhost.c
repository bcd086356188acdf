/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What vhost is told, in which order, and what happens when it refuses; the ioctl(2) is replaced.
 * The kernel's real vhost-net serves guests in the lab.
 */
#include "vmm/virtio/vhost.h"

#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "driver.h"
#include "fake-kvm.h"
#include "test.h"
#include "vmm/devices/net-pair.h"

enum {
    FAKE_VHOST_FD = 1000001,
    FAKE_TAP_FD = 1000002,
    CALLS_MAX = 64,
};

static struct {
    unsigned n;
    unsigned long requests[CALLS_MAX];
    struct vhost_vring_file files[CALLS_MAX];
    struct vhost_vring_state states[CALLS_MAX];
    struct vhost_vring_addr addresses[2];
    uint32_t n_regions;
    struct vhost_memory_region regions[2];
    uint64_t features;
    unsigned long fail; /* this request, with EINVAL */
    uint16_t base;      /* what VHOST_GET_VRING_BASE tells */
} kernel;

static int fake_vhost(int fd, unsigned long request, void *argument)
{
    unsigned i = kernel.n;

    if (fd != FAKE_VHOST_FD && fd != FAKE_TAP_FD)
        return -ENOTTY;
    assert_true(i < CALLS_MAX);
    kernel.requests[kernel.n++] = request;
    if (request == kernel.fail)
        return -EINVAL;
    switch (request) {
    case VHOST_SET_OWNER:
    case TUNSETQUEUE:
        break;
    case VHOST_GET_FEATURES:
        *(uint64_t *)argument = UINT64_C(1) << VIRTIO_F_VERSION_1 | 0xf;
        break;
    case VHOST_SET_FEATURES:
        kernel.features = *(const uint64_t *)argument;
        break;
    case VHOST_SET_MEM_TABLE:
        kernel.n_regions = ((const struct vhost_memory *)argument)->nregions;
        assert_in_range(kernel.n_regions, 1, 2);
        memcpy(kernel.regions, ((const struct vhost_memory *)argument)->regions,
               kernel.n_regions * sizeof(struct vhost_memory_region));
        break;
    case VHOST_SET_VRING_ADDR:
        memcpy(&kernel.addresses[((const struct vhost_vring_addr *)argument)->index], argument,
               sizeof(struct vhost_vring_addr));
        break;
    case VHOST_SET_VRING_NUM:
    case VHOST_SET_VRING_BASE:
        kernel.states[i] = *(const struct vhost_vring_state *)argument;
        break;
    case VHOST_GET_VRING_BASE:
        ((struct vhost_vring_state *)argument)->num = kernel.base;
        break;
    case VHOST_SET_VRING_KICK:
    case VHOST_SET_VRING_CALL:
    case VHOST_SET_VRING_ERR:
    case VHOST_NET_SET_BACKEND:
        kernel.files[i] = *(const struct vhost_vring_file *)argument;
        break;
    default:
        return -EINVAL;
    }
    return 0;
}

static int setup(void **state)
{
    struct driver *driver = driver_new(64);

    *state = driver;
    memset(&kernel, 0, sizeof(kernel));
    fake_kvm = (struct fake_kvm){.other = fake_vhost};
    return driver && virtqueue_start(&driver->queue, false) >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
    driver_free(*state);
    return 0;
}

static void test_owner_features_memory(void **state)
{
    struct driver *driver = *state;
    struct vhost vhost;

    assert_int_equal(vhost_init(&vhost, FAKE_VHOST_FD, &driver->memory), 0);
    assert_int_equal(kernel.n, 3);
    assert_int_equal(kernel.requests[0], VHOST_SET_OWNER);
    assert_int_equal(kernel.requests[2], VHOST_SET_MEM_TABLE);
    assert_int_equal(kernel.n_regions, 1);
    assert_int_equal(kernel.regions[0].guest_phys_addr, 0);
    assert_int_equal(kernel.regions[0].memory_size, driver->memory.size);
    assert_int_equal(kernel.regions[0].userspace_addr, (uintptr_t)driver->memory.base);
    /* Of what the driver accepted, what the kernel knows. */
    assert_int_equal(vhost_set_features(&vhost, 0xff), 0);
    assert_int_equal(kernel.features, 0xf);
}

static void test_memory_on_both_sides_of_the_pci_hole(void **state _unused_)
{
    struct guest_memory memory;
    struct vhost vhost;

    assert_int_equal(guest_memory_init(&memory, UINT64_C(5) << 30), 0);
    assert_int_equal(vhost_init(&vhost, FAKE_VHOST_FD, &memory), 0);
    assert_int_equal(kernel.n_regions, 2);
    assert_int_equal(kernel.regions[1].guest_phys_addr, GUEST_MEMORY_HIGH_START);
    assert_int_equal(kernel.regions[1].userspace_addr,
                     (uintptr_t)memory.base + GUEST_MEMORY_LOW_END);
    assert_int_equal(kernel.regions[0].memory_size + kernel.regions[1].memory_size, memory.size);
    guest_memory_done(&memory);
}

static void test_refusals_are_passed_on(void **state)
{
    static const unsigned long at_init[] = {VHOST_SET_OWNER, VHOST_GET_FEATURES,
                                            VHOST_SET_MEM_TABLE};
    static const unsigned long at_start[] = {VHOST_SET_VRING_NUM,  VHOST_SET_VRING_BASE,
                                             VHOST_SET_VRING_ADDR, VHOST_SET_VRING_ERR,
                                             VHOST_SET_VRING_CALL, VHOST_SET_VRING_KICK};
    const struct vhost_eventfds eventfds = {1, 2, 3};
    struct driver *driver = *state;
    struct vhost vhost;

    for (size_t i = 0; i < ELEMENTSOF(at_init); i++) {
        kernel.fail = at_init[i];
        assert_int_equal(vhost_init(&vhost, FAKE_VHOST_FD, &driver->memory), -EINVAL);
    }
    kernel.fail = 0;
    assert_int_equal(vhost_init(&vhost, FAKE_VHOST_FD, &driver->memory), 0);
    for (size_t i = 0; i < ELEMENTSOF(at_start); i++) {
        kernel.n = 0;
        kernel.fail = at_start[i];
        assert_int_equal(vhost_queue_start(&vhost, 0, &driver->queue, &eventfds), -EINVAL);
    }
}

static void test_queue_goes_and_comes_back(void **state)
{
    const struct vhost_eventfds eventfds = {.kick = 11, .call = -EBADF, .error = 13};
    struct driver *driver = *state;
    struct virtqueue *queue = &driver->queue;
    struct vhost vhost;

    queue->state.last_available = queue->state.next_used = 7;
    assert_int_equal(vhost_init(&vhost, FAKE_VHOST_FD, &driver->memory), 0);
    kernel.n = 0;
    assert_int_equal(vhost_queue_start(&vhost, 1, queue, &eventfds), 0);
    assert_int_equal(kernel.n, 6);
    assert_int_equal(kernel.states[0].num, 64);
    assert_int_equal(kernel.states[1].num, 7);
    assert_int_equal(kernel.states[1].index, 1);
    assert_int_equal(kernel.addresses[1].desc_user_addr, (uintptr_t)driver->descriptors);
    assert_int_equal(kernel.addresses[1].avail_user_addr, (uintptr_t)driver->available);
    assert_int_equal(kernel.addresses[1].used_user_addr, (uintptr_t)driver->used);
    assert_int_equal(kernel.files[3].fd, 13);
    assert_int_equal(kernel.files[4].fd, VHOST_FILE_UNBIND); /* no vector */
    assert_int_equal(kernel.files[5].fd, 11);
    assert_int_equal(kernel.requests[5], VHOST_SET_VRING_KICK); /* last: it may begin at once */

    kernel.n = 0;
    kernel.base = 300;
    assert_int_equal(vhost_queue_stop(&vhost, 1, queue), 0);
    assert_int_equal(kernel.requests[0], VHOST_SET_VRING_KICK);
    assert_int_equal(kernel.files[0].fd, VHOST_FILE_UNBIND);
    assert_int_equal(kernel.requests[1], VHOST_GET_VRING_BASE);
    assert_int_equal(queue->state.last_available, 300);
    assert_int_equal(queue->state.next_used, 300);
}

static int own_eventfd(void *context _unused_, unsigned queue)
{
    return queue == 2 ? 42 : -EBADF;
}

/* Requests of one kind, in order, as text. */
static unsigned count(unsigned long request)
{
    unsigned n = 0;

    for (unsigned i = 0; i < kernel.n; i++)
        n += kernel.requests[i] == request;
    return n;
}

/* The TAP queue is attached before it becomes a backend, and detached after it was one. */
static void test_pair_is_turned_on_and_off(void **state)
{
    struct driver *driver = *state;
    static const struct virtio_type type = {.id = 1};
    struct virtio_device device;
    struct net_pair *pair;
    struct vhost vhost;
    int tap = eventfd(0, EFD_CLOEXEC); /* epoll wants a real one */

    assert_int_equal(virtio_device_init(&device, &type, "eth0", &driver->memory, 0, 5, 64), 0);
    device.transport.queue_eventfd = own_eventfd;
    assert_int_equal(vhost_init(&vhost, FAKE_VHOST_FD, &driver->memory), 0);
    assert_int_equal(net_vhost_new(&device, 1, tap, &vhost, &pair), 0);
    assert_int_equal(vhost.fd, -EBADF);
    kernel.n = 0;
    assert_int_equal(pair->backend->start(pair), 0);
    assert_int_equal(count(VHOST_SET_VRING_KICK), 2);
    assert_int_equal(count(VHOST_NET_SET_BACKEND), 0);
    assert_int_equal(kernel.files[5].fd, 42); /* the receiveq's vector */

    kernel.n = 0;
    assert_int_equal(pair->backend->set_active(pair, true), 0);
    assert_int_equal(pair->backend->set_active(pair, true), 0);
    assert_int_equal(count(VHOST_NET_SET_BACKEND), 2);
    assert_int_equal(kernel.files[0].fd, tap);

    kernel.n = 0;
    assert_int_equal(pair->backend->vectors_changed(pair), 0);
    assert_int_equal(count(VHOST_SET_VRING_CALL), 2);

    kernel.n = 0;
    pair->backend->stop(pair);
    assert_int_equal(kernel.requests[0], VHOST_NET_SET_BACKEND);
    assert_int_equal(kernel.files[0].fd, VHOST_FILE_UNBIND);
    assert_int_equal(count(VHOST_GET_VRING_BASE), 2);
    assert_false(pair->started || pair->active);

    kernel.n = 0;
    assert_int_equal(pair->backend->start(pair), 0);
    kernel.fail = VHOST_NET_SET_BACKEND;
    assert_int_equal(pair->backend->set_active(pair, true), -EINVAL);
    assert_false(pair->active);
    pair->backend->stop(pair);
    pair->backend->free(pair);
    virtio_device_done(&device);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_owner_features_memory),     TEST(test_memory_on_both_sides_of_the_pci_hole),
        TEST(test_refusals_are_passed_on),    TEST(test_queue_goes_and_comes_back),
        TEST(test_pair_is_turned_on_and_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
