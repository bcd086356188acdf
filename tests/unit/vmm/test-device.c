/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The virtio status machine, and resets while the device's thread works. */
#include "vmm/virtio/device.h"

#include <sys/eventfd.h>

#include "test.h"
#include "virtio-test-device.h"

enum {
    ACKNOWLEDGED = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER,
    AGREED = ACKNOWLEDGED | VIRTIO_CONFIG_S_FEATURES_OK,
};

static int setup(void **state)
{
    *state = test_device_new();
    return *state ? 0 : -1;
}

static int setup_running(void **state)
{
    return setup(state) < 0 ? -1 : test_device_run(*state);
}

static int teardown(void **state)
{
    test_device_free(*state);
    return 0;
}

static void test_features(void **state)
{
    struct test_device *test = *state;
    struct virtio_device *device = &test->device;

    assert_true(device->state.offered == (UINT64_C(1) << VIRTIO_F_VERSION_1 | 1u << TEST_FEATURE));
    test_device_set_status(test, ACKNOWLEDGED);
    virtio_device_set_accepted(device, 0, 1u << TEST_FEATURE);
    virtio_device_set_accepted(device, 2, 0xffffffff); /* no such half */
    virtio_device_set_accepted(device, UINT32_MAX, 0xffffffff);
    assert_true(device->state.accepted == 1u << TEST_FEATURE);
    test_device_set_status(test, AGREED);
    assert_int_equal(test_device_status(test), ACKNOWLEDGED); /* refused: no VERSION_1 */

    virtio_device_set_accepted(device, 1, 1);
    virtio_device_set_accepted(device, 0, 1u << TEST_FEATURE | 1u << 6);
    test_device_set_status(test, AGREED);
    assert_int_equal(test_device_status(test), ACKNOWLEDGED); /* refused: bit 6 was not offered */

    virtio_device_set_accepted(device, 0, 1u << TEST_FEATURE);
    test_device_set_status(test, AGREED);
    assert_int_equal(test_device_status(test), AGREED);
    assert_true(virtio_device_has(device, TEST_FEATURE));
    virtio_device_set_accepted(device, 0, 0); /* sealed */
    assert_true(virtio_device_has(device, TEST_FEATURE));
}

static void test_driver_ok_needs_features_ok(void **state)
{
    struct test_device *test = *state;

    test_device_set_status(test, ACKNOWLEDGED | VIRTIO_CONFIG_S_DRIVER_OK);
    assert_int_equal(test_device_status(test), ACKNOWLEDGED);
    /* All at once, features refused */
    test_device_set_status(test, TEST_STATUS_READY);
    assert_int_equal(test_device_status(test), ACKNOWLEDGED);
    assert_int_equal(test->device.worker.requests, 0);
}

static void test_status_bits(void **state)
{
    struct test_device *test = *state;

    test_device_set_status(test, ACKNOWLEDGED);
    test_device_set_status(test, VIRTIO_CONFIG_S_ACKNOWLEDGE); /* takes nothing back */
    assert_int_equal(test_device_status(test), ACKNOWLEDGED);
    test_device_set_status(test, ACKNOWLEDGED | VIRTIO_CONFIG_S_NEEDS_RESET);
    assert_int_equal(test_device_status(test), ACKNOWLEDGED);
    test_device_set_status(test, ACKNOWLEDGED | VIRTIO_CONFIG_S_FAILED);
    assert_int_equal(test_device_status(test), ACKNOWLEDGED | VIRTIO_CONFIG_S_FAILED);
}

static void test_queues_fixed(void **state)
{
    struct test_device *test = *state;
    struct virtio_device *device = &test->device;

    virtio_device_enable_queue(device, 0); /* too early */
    assert_false(device->queues[0].state.enabled);
    assert_true(virtio_device_queue_writable(device, TEST_DEVICE_QUEUES - 1));
    assert_false(virtio_device_queue_writable(device, TEST_DEVICE_QUEUES));
    assert_false(virtio_device_queue_writable(device, UINT16_MAX));
    test_device_prepare(test);
    assert_true(device->queues[0].state.enabled);
    assert_false(virtio_device_queue_writable(device, 0));
    assert_true(virtio_device_queue_writable(device, 1));
    virtio_device_enable_queue(device, TEST_DEVICE_QUEUES); /* nothing there */
    test_device_set_status(test, TEST_STATUS_READY);
    assert_false(virtio_device_queue_writable(device, 1)); /* the device runs */
}

static void test_start_and_reset(void **state)
{
    struct test_device *test = *state;

    for (unsigned i = 1; i <= 100; i++) {
        test_device_prepare(test);
        test_device_set_status(test, TEST_STATUS_READY);
        assert_true(test_device_wait_count(&test->started, i));
        test_device_kick(test);
        assert_true(test_device_wait_count(&test->queue_signals, i));
        test_device_set_status(test, 0);
        assert_true(test_device_wait(test, 0));
        assert_int_equal(test->stopped, i);
        assert_false(test->device.queues[0].state.enabled);
        assert_int_equal(test->device.queues[0].state.size, TEST_DEVICE_QUEUE_SIZE);
        assert_true(test->device.state.accepted == 0);
    }
    assert_int_equal(test->config_signals, 0);
}

/* The driver sees zero only once the device has stopped; what it writes before has no effect. */
static void test_reset_pending(void **state)
{
    struct test_device *test = *state;

    test_device_prepare(test);
    test_device_set_status(test, 0);
    assert_int_equal(test_device_status(test), AGREED);
    test_device_set_status(test, TEST_STATUS_READY);
    assert_int_equal(test_device_status(test), AGREED);
    virtio_device_set_accepted(&test->device, 0, 1);
    assert_false(virtio_device_queue_writable(&test->device, 1));
    assert_int_equal(test_device_run(test), 0);
    assert_true(test_device_wait(test, 0));
    assert_int_equal(test->started, 0);
    assert_true(test->device.state.accepted == 0);
}

/* A start that a reset overtakes never happens. */
static void test_reset_overtakes_start(void **state)
{
    struct test_device *test = *state;

    test_device_prepare(test);
    test_device_set_status(test, TEST_STATUS_READY);
    test_device_set_status(test, 0);
    assert_int_equal(test_device_run(test), 0);
    assert_true(test_device_wait(test, 0));
    assert_int_equal(test->started, 0);
    assert_int_equal(test->stopped, 0);
}

/* A reset in status 0 is one as well: what was written since the last one is forgotten. */
static void test_reset_in_status_zero(void **state)
{
    struct test_device *test = *state;

    virtio_device_set_accepted(&test->device, 0, 1u << TEST_FEATURE);
    test->device.state.queue_select = 2;
    test->device.queues[1].state.size = 8;
    test_device_set_status(test, 0);
    assert_int_equal(test_device_status(test), 0);
    assert_true(test->device.state.accepted == 0);
    assert_int_equal(test->device.state.queue_select, 0);
    assert_int_equal(test->device.queues[1].state.size, TEST_DEVICE_QUEUE_SIZE);
    test_device_set_status(test, VIRTIO_CONFIG_S_ACKNOWLEDGE); /* and needs no waiting */
    assert_int_equal(test_device_status(test), VIRTIO_CONFIG_S_ACKNOWLEDGE);
}

/* A fault stops the device, tells the driver, logs once in all, and ends with a reset. */
static void test_fault(void **state)
{
    struct test_device *test = *state;
    struct capture capture = capture_start();

    for (unsigned i = 1; i <= 3; i++) {
        test->faults_a_kick = 5;
        test_device_prepare(test);
        test_device_set_status(test, TEST_STATUS_READY);
        test_device_kick(test);
        bool needs_reset = test_device_wait(test, VIRTIO_CONFIG_S_NEEDS_RESET);
        test_device_kick(test);
        test_device_set_status(test, TEST_STATUS_READY); /* no way back but the reset */
        (void)usleep(1000);
        assert_true(needs_reset);
        assert_int_equal(test->started, i);
        test_device_set_status(test, 0);
        assert_true(test_device_wait(test, 0));
        assert_int_equal(test->stopped, i);
    }
    _cleanup_free_ char *text = capture_end(&capture);
    assert_int_equal(count_lines(text), 1); /* resets are no way to fill the log */
    assert_non_null(strstr(text, "'test0' broke the protocol: the test wants it"));
    assert_true(test->config_signals >= 3);

    test->faults_a_kick = 0;
    test_device_prepare(test);
    test_device_set_status(test, TEST_STATUS_READY);
    assert_true(test_device_wait_count(&test->started, 4));
}

static void test_bad_queue(void **state)
{
    struct test_device *test = *state;

    test_device_prepare(test);
    test->device.queues[0].state.device_area = GUEST_MEMORY_MIN;
    test_device_set_status(test, TEST_STATUS_READY);
    assert_true(test_device_wait(test, VIRTIO_CONFIG_S_NEEDS_RESET));
    assert_int_equal(test->started, 0);
    test_device_set_status(test, 0);
    assert_true(test_device_wait(test, 0));
    assert_int_equal(test->stopped, 0);
}

static void test_start_refused(void **state)
{
    struct test_device *test = *state;

    test->start_result = -EINVAL;
    test_device_prepare(test);
    test_device_set_status(test, TEST_STATUS_READY);
    assert_true(test_device_wait(test, VIRTIO_CONFIG_S_NEEDS_RESET));
    assert_true(test_device_wait_count(&test->config_signals, 1));
    assert_int_equal(test->stopped, 0);
    test->start_result = 0;
    test_device_set_status(test, 0);
    assert_true(test_device_wait(test, 0));
    test_device_prepare(test);
    test_device_set_status(test, TEST_STATUS_READY);
    assert_true(test_device_wait_count(&test->started, 1));
}

static void test_half_built(void **state _unused_)
{
    struct virtio_device device = {0};

    virtio_device_done(&device);
    struct test_device *test = test_device_new();
    assert_non_null(test);
    test_device_free(test); /* the thread was never made */
}

/* What systemctl status shows: a signal for each change, and for nothing else. */
static void test_news(void **state)
{
    struct virtio_device *device = &((struct test_device *)*state)->device;

    virtio_device_tell(device, "before anybody listens");
    device->news_eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(device->news_eventfd >= 0);
    virtio_device_tell(device, "before anybody listens");
    assert_int_equal(eventfd_count(device->news_eventfd), 0);
    virtio_device_tell(device, "%u of %u", 1, 2);
    virtio_device_tell(device, "%u of %u", 2, 2);
    virtio_device_tell(device, "%u of %u", 2, 2);
    assert_string_equal(device->news, "2 of 2");
    assert_int_equal(eventfd_count(device->news_eventfd), 2);
    virtio_device_tell(device, "%0200u", 1);
    assert_int_equal(strlen(device->news), VIRTIO_NEWS_SIZE - 1);
    device->news_eventfd = close_fd(device->news_eventfd);
}

int main(void)
{
#define STILL(f)   cmocka_unit_test_setup_teardown(f, setup, teardown)
#define RUNNING(f) cmocka_unit_test_setup_teardown(f, setup_running, teardown)
    static const struct CMUnitTest tests[] = {
        STILL(test_features),
        STILL(test_news),
        STILL(test_driver_ok_needs_features_ok),
        STILL(test_status_bits),
        STILL(test_queues_fixed),
        RUNNING(test_start_and_reset),
        STILL(test_reset_pending),
        STILL(test_reset_overtakes_start),
        STILL(test_reset_in_status_zero),
        RUNNING(test_fault),
        RUNNING(test_bad_queue),
        RUNNING(test_start_refused),
        cmocka_unit_test(test_half_built),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
