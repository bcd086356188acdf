/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --vsock=, and what vhost-vsock is told over a driver's lives; the ioctl(2) is replaced. The
 * kernel's real one serves guests in the lab. */
#include "vmm/devices/vsock.h"

#include <linux/virtio_vsock.h>
#include <sys/eventfd.h>

#include "driver.h"
#include "fake-vsock.h"
#include "test.h"

enum { CID = 4711 };

static struct {
    struct driver *driver;
    struct virtio_device *device;
    int eventfds[3];
    unsigned forgotten;
    unsigned config_signals;
} world;

static int take_fd(void *context _unused_, const char *name)
{
    return strcmp(name, "vhost-vsock") == 0 ? FAKE_VSOCK_FD : -ENOENT;
}

static void forget_fd(void *context _unused_, const char *name)
{
    assert_string_equal(name, "vhost-vsock");
    world.forgotten++;
}

static int queue_eventfd(void *context _unused_, unsigned queue)
{
    assert_in_range(queue, 0, 2);
    return world.eventfds[queue];
}

static void signal_config(void *context _unused_)
{
    world.config_signals++;
}

static int make(const char *argument)
{
    const struct device_environment environment = {
        .memory = &world.driver->memory, .take_fd = take_fd, .forget_fd = forget_fd};
    int r = vsock_create(argument, &environment, &world.device);

    if (r >= 0)
        world.device->transport = (struct virtio_transport){.queue_eventfd = queue_eventfd,
                                                            .signal_config = signal_config};
    return r;
}

static int setup(void **state _unused_)
{
    memset(&world, 0, sizeof(world));
    world.driver = driver_new(64);
    for (unsigned i = 0; i < 3; i++)
        world.eventfds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fake_vsock_init(0);
    return world.driver ? 0 : -1;
}

static int teardown(void **state _unused_)
{
    if (world.device)
        world.device->type->destroy(world.device);
    for (unsigned i = 0; i < 3; i++)
        close_fd(world.eventfds[i]);
    driver_free(world.driver);
    return 0;
}

static void test_settings(void **state _unused_)
{
    static const struct {
        const char *text, *message;
    } refused[] = {
        {"", "'' has no value"},
        {"cid=3", "vhost= is missing"},
        {"vhost=fd:x", "cid= is missing"},
        {"cid=2,vhost=fd:x", "cid=2 is not a number from 3 to 4294967294"},
        {"cid=4294967295,vhost=fd:x", "cid=4294967295 is not"},
        {"cid=-5,vhost=fd:x", "cid=-5 is not"},
        {"cid=,vhost=fd:x", "cid= is not"},
        {"cid=12x,vhost=fd:x", "cid=12x is not"},
        {"cid=18446744073709551620,vhost=fd:x", "is not a number"},
        {"cid=3,vhost=fd:", "neither fd:NAME nor a path"},
        {"cid=3,vhost=vhost", "neither fd:NAME nor a path"},
        {"cid=3,vhost=fd:x,port=1", "unknown setting 'port'"},
    };
    struct vsock_settings settings;

    assert_int_equal(vsock_settings_parse("cid=4294967294,vhost=/dev/vhost-vsock", &settings), 0);
    assert_int_equal(settings.cid, 4294967294u);
    assert_string_equal(settings.vhost, "/dev/vhost-vsock");
    for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
        struct capture capture = capture_start();
        int r = vsock_settings_parse(refused[i].text, &settings);
        _cleanup_free_ char *text = capture_end(&capture);

        if (r != -EINVAL || !strstr(text, refused[i].message))
            fail_msg("'%s': %d, %s", refused[i].text, r, text);
        assert_int_equal(count_lines(text), 1);
    }
}

/* What the device's thread would do. */
static void turn(void)
{
    while (atomic_load(&world.device->worker.requests) != 0)
        assert_int_equal(event_loop_wait(&world.device->worker.loop), 0);
}

static void set_status(uint8_t status)
{
    pthread_mutex_lock(&world.device->mutex);
    virtio_device_set_status(world.device, status);
    pthread_mutex_unlock(&world.device->mutex);
    turn();
}

/* A driver's whole beginning, with the queues in QUEUES and the offered features in WANTED. */
static void start(unsigned queues, uint64_t wanted)
{
    uint64_t features = world.device->state.offered & (wanted | UINT64_C(1) << VIRTIO_F_VERSION_1);

    set_status(0);
    set_status(3);
    virtio_device_set_accepted(world.device, 0, (uint32_t)features);
    virtio_device_set_accepted(world.device, 1, (uint32_t)(features >> 32));
    set_status(11);
    for (unsigned i = 0; i < 3; i++) {
        struct virtqueue_state *state = &world.device->queues[i].state;

        state->size = 64;
        state->descriptor_area = DESCRIPTORS + i * 0x1000;
        state->driver_area = AVAILABLE + i * 0x1000;
        state->device_area = USED + i * 0x1000;
        if (queues >> i & 1)
            virtio_device_enable_queue(world.device, i);
    }
    set_status(15);
}

static void test_a_handed_over_descriptor_is_forgotten_and_owned(void **state _unused_)
{
    uint64_t cid = 0;

    assert_int_equal(make("cid=4711,vhost=fd:vhost-vsock"), 0);
    assert_int_equal(world.forgotten, 1);
    assert_true(fake_vsock.owned);
    assert_int_equal(fake_vsock_count(VHOST_VSOCK_SET_GUEST_CID), 0);
    world.device->type->read_config(world.device, 0, &cid, sizeof(cid));
    assert_int_equal(cid, CID);
    /* By halves, and not beyond. */
    cid = UINT64_MAX;
    world.device->type->read_config(world.device, 4, &cid, 4);
    assert_true(cid == UINT64_C(0xffffffff00000000));
    world.device->type->read_config(world.device, 5, &cid, 4);
    world.device->type->read_config(world.device, 8, &cid, 1);
    assert_true(cid == UINT64_C(0xffffffff00000000));
}

static void test_a_path_gets_the_cid(void **state _unused_)
{
    assert_int_equal(make("cid=4711,vhost=/dev/null"), 0);
    assert_int_equal(world.forgotten, 0);
    assert_int_equal(fake_vsock.cid, CID);
    assert_int_equal(fake_vsock.log[0], VHOST_VSOCK_SET_GUEST_CID);
}

static void assert_refused(const char *argument, const char *message)
{
    struct capture capture = capture_start();
    int r = make(argument);
    _cleanup_free_ char *text = capture_end(&capture);

    if (r >= 0 || !strstr(text, message))
        fail_msg("'%s': %d, %s", argument, r, text);
}

static void test_what_keeps_it_from_being_made(void **state _unused_)
{
    assert_refused("cid=4711,vhost=/nonexistent", "modprobe vhost_vsock");
    assert_int_equal(make("cid=4711,vhost=fd:other"), -ENOENT);
    assert_int_equal(world.forgotten, 0);
    fake_vsock.taken = true;
    assert_refused("cid=4711,vhost=/dev/null", "another VM has it");
    fake_vsock_init(0);
    fake_vsock.fail = VHOST_SET_OWNER;
    assert_refused("cid=4711,vhost=fd:vhost-vsock", "as a vhost-vsock device");
    fake_vsock_init(UINT64_C(1) << VIRTIO_F_VERSION_1);
    assert_refused("cid=4711,vhost=fd:vhost-vsock", "as a vhost-vsock device");
}

static void test_features_are_the_kernels(void **state _unused_)
{
    const uint64_t version = UINT64_C(1) << VIRTIO_F_VERSION_1;

    assert_int_equal(make("cid=4711,vhost=fd:vhost-vsock"), 0);
    assert_true(world.device->state.offered ==
                (version | 1u << VIRTIO_RING_F_INDIRECT_DESC | 1u << VIRTIO_RING_F_EVENT_IDX |
                 1u << VIRTIO_VSOCK_F_SEQPACKET));
    start(7, UINT64_MAX);
    assert_true(fake_vsock.features == world.device->state.offered);
    start(7, 0);
    assert_true(fake_vsock.features == version);
    world.device->type->destroy(world.device);
    world.device = NULL;

    fake_vsock_init(1u << VIRTIO_VSOCK_F_SEQPACKET);
    assert_int_equal(make("cid=4711,vhost=fd:vhost-vsock"), 0);
    assert_true(world.device->state.offered ==
                (version | 1u << VIRTIO_RING_F_INDIRECT_DESC | 1u << VIRTIO_RING_F_EVENT_IDX));
}

static void assert_runs(void)
{
    assert_true(fake_vsock.running);
    assert_true(world.device->running);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(fake_vsock.queues[i].size, 64);
        assert_int_equal(fake_vsock.queues[i].kick, world.device->kick[i]);
        assert_int_equal(fake_vsock.queues[i].call, world.eventfds[i]);
        assert_int_equal(eventfd_count(world.device->kick[i]), 1); /* lest one came too early */
        assert_in_range(fake_vsock.queues[i].error, 0, 1 << 20);
        assert_true(fake_vsock_in_memory(fake_vsock.queues[i].addresses.used_user_addr, 4096));
    }
}

/* Each life of the driver begins with the rings from their beginning. */
static void test_a_driver_comes_and_goes(void **state _unused_)
{
    assert_int_equal(make("cid=4711,vhost=fd:vhost-vsock"), 0);
    fake_vsock.base_step = 10;
    for (unsigned life = 0; life < 3; life++) {
        start(7, UINT64_MAX);
        assert_runs();
        assert_int_equal(fake_vsock.queues[0].base, 0);
        set_status(0);
        assert_false(fake_vsock.running || world.device->running);
        assert_int_equal(fake_vsock.queues[0].kick, VHOST_FILE_UNBIND);
        assert_int_equal(world.device->state.status, 0);
    }
    assert_int_equal(fake_vsock_count(VHOST_VSOCK_SET_RUNNING), 6);
}

/* Where the kernel got to is known before the state goes. */
static void test_the_ring_base_is_read_back(void **state _unused_)
{
    assert_int_equal(make("cid=4711,vhost=fd:vhost-vsock"), 0);
    fake_vsock.base_step = 300;
    start(7, 0);
    world.device->type->stop(world.device);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(world.device->queues[i].state.last_available, 300);
        assert_int_equal(world.device->queues[i].state.next_used, 300);
    }
    assert_int_equal(world.device->queues[2].state.next_used, 0);
    fake_vsock.n = 0;
    assert_int_equal(world.device->type->start(world.device), 0);
    assert_int_equal(fake_vsock.queues[0].base, 300);
    assert_int_equal(fake_vsock.log[fake_vsock.n - 1], VHOST_VSOCK_SET_RUNNING);
}

/* The driver of events may be left out, those of packets may not. */
static void test_queues_that_are_missing(void **state _unused_)
{
    assert_int_equal(make("cid=4711,vhost=fd:vhost-vsock"), 0);
    struct capture capture = capture_start();
    for (unsigned queues = 0; queues < 8; queues++) {
        bool enough = (queues & 3) == 3;

        start(queues, 0);
        assert_int_equal(fake_vsock.running, enough);
        assert_int_equal(world.device->state.status & VIRTIO_CONFIG_S_NEEDS_RESET,
                         enough ? 0 : VIRTIO_CONFIG_S_NEEDS_RESET);
    }
    _cleanup_free_ char *text = capture_end(&capture);
    assert_int_equal(count_lines(text), 1); /* however often */
}

/* Nobody looks at the event queue: its notifications wake nobody, and nothing in it matters. */
static void test_events_are_left_alone(void **state _unused_)
{
    assert_int_equal(make("cid=4711,vhost=fd:vhost-vsock"), 0);
    memset(guest_memory_at(&world.driver->memory, AVAILABLE + 2 * 0x1000, 4096), 0xff, 4096);
    start(7, 0);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(eventfd_write(world.device->kick[2], 1), 0);
    turn();
    assert_runs();
    assert_int_equal(eventfd_count(world.device->kick[2]), 100);
    assert_int_equal(world.config_signals, 0);
}

static void test_a_broken_ring_is_a_fault(void **state _unused_)
{
    assert_int_equal(make("cid=4711,vhost=fd:vhost-vsock"), 0);
    start(7, 0);
    assert_runs();
    struct capture capture = capture_start();
    assert_int_equal(eventfd_write(fake_vsock.queues[1].error, 1), 0);
    assert_int_equal(event_loop_wait(&world.device->worker.loop), 0);
    turn();
    _cleanup_free_ char *text = capture_end(&capture);
    assert_non_null(strstr(text, "vhost-vsock finds a ring broken"));
    assert_true(world.device->state.status & VIRTIO_CONFIG_S_NEEDS_RESET);
    assert_false(fake_vsock.running);
    assert_int_equal(world.config_signals, 1);
    start(7, 0);
    assert_runs();
    assert_int_equal(world.config_signals, 1);
}

static void test_another_vector(void **state _unused_)
{
    assert_int_equal(make("cid=4711,vhost=fd:vhost-vsock"), 0);
    start(7, 0);
    int old = world.eventfds[1];
    world.eventfds[1] = -EBADF;
    virtio_device_set_vector(world.device, 1, 5);
    turn();
    assert_int_equal(fake_vsock.queues[1].call, VHOST_FILE_UNBIND);
    world.eventfds[1] = old;
    (void)eventfd_count(old);
    virtio_device_set_vector(world.device, 1, 6);
    turn();
    assert_int_equal(fake_vsock.queues[1].call, old);
    assert_int_equal(eventfd_count(old), 1); /* what came meanwhile may have been for it */
    fake_vsock.fail = VHOST_SET_VRING_CALL;
    struct capture capture = capture_start();
    virtio_device_set_vector(world.device, 0, 7);
    turn();
    free(capture_end(&capture));
    assert_true(world.device->state.status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void test_a_kernel_that_refuses_to_run(void **state _unused_)
{
    assert_int_equal(make("cid=4711,vhost=fd:vhost-vsock"), 0);
    fake_vsock.fail = VHOST_VSOCK_SET_RUNNING;
    struct capture capture = capture_start();
    start(7, 0);
    free(capture_end(&capture));
    assert_true(world.device->state.status & VIRTIO_CONFIG_S_NEEDS_RESET);
    assert_int_equal(fake_vsock.queues[0].kick, VHOST_FILE_UNBIND);
    fake_vsock.fail = 0;
    start(7, 0);
    assert_runs();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_settings),
        TEST(test_a_handed_over_descriptor_is_forgotten_and_owned),
        TEST(test_a_path_gets_the_cid),
        TEST(test_what_keeps_it_from_being_made),
        TEST(test_features_are_the_kernels),
        TEST(test_a_driver_comes_and_goes),
        TEST(test_the_ring_base_is_read_back),
        TEST(test_queues_that_are_missing),
        TEST(test_events_are_left_alone),
        TEST(test_a_broken_ring_is_a_fault),
        TEST(test_another_vector),
        TEST(test_a_kernel_that_refuses_to_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
