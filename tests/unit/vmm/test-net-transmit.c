/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sending without a device around it: when the driver gets its buffers back. */
#include <fcntl.h>
#include <linux/virtio_net.h>

#include "driver.h"
#include "test.h"
#include "vmm/devices/net-transmit.h"
#include "vmm/devices/tap.h"

enum {
    QUEUE_SIZE = 256,
    SMALL = 100, /* bytes of a frame */
    LARGE = 60000,
};

struct world {
    struct net_transmit transmit;
    struct driver *driver;
    int sink;
    bool later;                      /* the driver has one more packet, when it gets buffers back */
    uint16_t given_back[QUEUE_SIZE]; /* the used index at each call */
    unsigned n;
};

static void given_back(struct net_transmit *transmit)
{
    struct world *world = container_of(transmit, struct world, transmit);

    assert_true(world->n < QUEUE_SIZE);
    world->given_back[world->n++] = world->driver->used->idx;
    if (world->later)
        driver_offer(world->driver, 0);
    world->later = false;
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    *state = world;
    if (!world)
        return -1;
    world->driver = driver_new(QUEUE_SIZE);
    world->sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (!world->driver || world->sink < 0 || virtqueue_start(&world->driver->queue, true) < 0)
        return -1;
    net_transmit_start(&world->transmit, &world->driver->queue, 0, given_back);
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    driver_free(world->driver);
    (void)close_fd(world->sink);
    free(world);
    return 0;
}

static void offer(struct world *world, uint32_t bytes, unsigned n)
{
    driver_describe(world->driver, 0, DATA, TAP_HEADER_SIZE + bytes, 0, 0);
    for (unsigned i = 0; i < n; i++)
        driver_offer(world->driver, 0);
}

static int send_all(struct world *world)
{
    bool gone = false;

    int r = net_transmit_all(&world->transmit, world->sink, &gone);
    assert_false(gone);
    return r;
}

/* A driver with two large packets under way is to fill the first one's place meanwhile. */
static void test_large_packets_come_back_at_once(void **state)
{
    struct world *world = *state;

    offer(world, LARGE, 2);
    world->later = true;
    assert_int_equal(send_all(world), 0);
    assert_int_equal(world->n, 4);
    for (uint16_t i = 0; i < 3; i++)
        assert_int_equal(world->given_back[i], i + 1);
    assert_int_equal(driver_available_event(world->driver), 3);
}

static void test_small_packets_come_back_in_batches(void **state)
{
    struct world *world = *state;

    offer(world, SMALL, 80);
    assert_int_equal(send_all(world), 0);
    assert_int_equal(world->n, 3);
    assert_int_equal(world->given_back[0], 32);
    assert_int_equal(world->given_back[1], 64);
    assert_int_equal(world->given_back[2], 80);
}

/* What is before a broken chain has been sent. */
static void test_broken_chain(void **state)
{
    struct world *world = *state;

    offer(world, SMALL, 3);
    driver_describe(world->driver, 1, DATA, TAP_HEADER_SIZE, 0, 0);
    driver_offer(world->driver, 1);
    assert_int_equal(send_all(world), -EPROTO);
    assert_int_equal(world->n, 1);
    assert_int_equal(world->given_back[0], 3);
}

/* A driver that never stops gets no more than its share. */
static void test_bound(void **state)
{
    struct world *world = *state;

    offer(world, SMALL, QUEUE_SIZE);
    assert_int_equal(send_all(world), 1);
    assert_int_equal(world->driver->used->idx, QUEUE_SIZE);
    assert_int_equal(send_all(world), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_large_packets_come_back_at_once),
        TEST(test_small_packets_come_back_in_batches),
        TEST(test_broken_chain),
        TEST(test_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
