/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virtio-net with the plainest of drivers: one queue pair, no offloads. Without TAP interfaces this
 * exits 77: not run, which is not passed.
 */
#include "net-world.h"

static int setup(void **state)
{
    return world_new(state, 1, PLAIN_FEATURES);
}

static void transmit(struct world *world, size_t n, uint8_t mark)
{
    struct virtio_net_hdr_v1 nonsense;

    memset(&nonsense, 0xff, sizeof(nonsense)); /* which no offload lets mean anything */
    transmit_on(world, 1, n, mark, &nonsense);
}

static void offer_buffer(struct world *world, uint16_t i, uint32_t size)
{
    (void)offer_to(world, 0, i, size);
}

static void test_config(void **state)
{
    struct world *world = *state;
    struct virtio_net_config config = {0};

    world->device->type->read_config(world->device, 0, &config, sizeof(config));
    assert_memory_equal(config.mac, "\x52\x54\x00\x12\x34\x56", 6);
    assert_int_equal(config.mtu, 1500);
    assert_int_equal(config.status, VIRTIO_NET_S_LINK_UP);
    world->device->type->read_config(world->device, sizeof(config) - 2, &config,
                                     8); /* over the end */
}

static void test_transmit(void **state)
{
    struct world *world = *state;

    bring_up(world, 2);
    for (uint16_t i = 0; i < 100; i++) {
        transmit(world, 60 + i * 10u, (uint8_t)i);
        kick(world, 1);
        assert_true(wait_used(world->transmit, (uint16_t)(i + 1)));
        assert_true(tap_host_receive(&world->host, 60 + i * 10u, (uint8_t)i));
    }
    assert_true(wait_count(&world->signals[1], 1));
    assert_int_equal(world->signals[0], 0);
}

/* Header and frame in many pieces, and what was offered before DRIVER_OK. */
static void test_transmit_pieces(void **state)
{
    struct world *world = *state;

    bring_up(world, 2);
    uint8_t *p = guest_memory_at(&world->memory, data_of(1), 512);
    tap_host_frame(p + HEADER, 100, 7);
    for (uint16_t i = 0; i < 112; i++)
        driver_describe(world->transmit, i, data_of(1) + i, 1, i < 111 ? VRING_DESC_F_NEXT : 0,
                        (uint16_t)(i + 1));
    driver_offer(world->transmit, 0);
    kick(world, 1);
    assert_true(wait_used(world->transmit, 1));
    assert_true(tap_host_receive(&world->host, 100, 7));
}

static void test_receive(void **state)
{
    struct world *world = *state;

    bring_up(world, 2);
    for (uint16_t i = 0; i < 50; i++) {
        size_t n = 60 + i * 20u;

        offer_buffer(world, (uint16_t)(i % 4), 2048);
        kick(world, 0);
        assert_int_equal(tap_host_send(&world->host, n, (uint8_t)i), 0);
        assert_true(wait_used(world->receive, (uint16_t)(i + 1)));
        assert_int_equal(world->receive->used->ring[i].id, i % 4);
        assert_int_equal(world->receive->used->ring[i].len, HEADER + n);
        const uint8_t *p =
            guest_memory_at(&world->memory, data_of(0) + i % 4 * 0x2000u, HEADER + n);
        assert_int_equal(p[0], 0);
        assert_int_equal(p[10] | p[11] << 8, 1); /* num_buffers */
        uint8_t expected[2048];
        tap_host_frame(expected, n, (uint8_t)i);
        assert_memory_equal(p + HEADER, expected, n);
    }
    assert_true(wait_count(&world->signals[0], 1));
}

/* Frames that come while there is no buffer wait, and are there once there is one. */
static void test_receive_late(void **state)
{
    struct world *world = *state;

    bring_up(world, 2);
    for (uint8_t i = 0; i < 5; i++)
        assert_int_equal(tap_host_send(&world->host, 100u + i, i), 0);
    (void)usleep(20000);
    assert_int_equal(world->receive->used->idx, 0);
    for (uint16_t i = 0; i < 5; i++)
        offer_buffer(world, i, 2048);
    kick(world, 0);
    assert_true(wait_used(world->receive, 5));
    for (uint16_t i = 0; i < 5; i++)
        assert_int_equal(world->receive->used->ring[i].len, HEADER + 100 + i);
}

/* A frame that is larger than the buffer is lost, nothing behind the buffer is touched, and the
 * next one is well. */
static void test_receive_too_large(void **state)
{
    struct world *world = *state;

    bring_up(world, 2);
    uint8_t *p = guest_memory_at(&world->memory, DATA, 256);
    memset(p, 0xee, 256);
    offer_buffer(world, 0, 100);
    kick(world, 0);
    assert_int_equal(tap_host_send(&world->host, 1000, 3), 0);
    assert_int_equal(tap_host_send(&world->host, 60, 4), 0);
    assert_true(wait_used(world->receive, 1));
    assert_int_equal(world->receive->used->ring[0].len, HEADER + 60);
    assert_int_equal(p[100], 0xee);
}

struct fault {
    uint16_t queue;
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

static void test_faults(void **state)
{
    static const struct fault faults[] = {
        {1, DATA, HEADER + 13, 0, 0},           /* no Ethernet header */
        {1, DATA, 100, VRING_DESC_F_WRITE, 0},  /* a buffer to send into */
        {1, WORLD_MEMORY_MIB * MIB, 100, 0, 0}, /* beyond memory */
        {1, DATA, 100, VRING_DESC_F_NEXT, 0},   /* a circle */
        {0, DATA, 2048, 0, 0},                  /* a receive buffer that cannot be written */
        {0, DATA, 20, VRING_DESC_F_WRITE, 0},   /* too small for any frame */
        {0, UINT64_MAX - 10, 2048, VRING_DESC_F_WRITE, 0},
    };
    struct world *world = *state;

    for (size_t i = 0; i < ELEMENTSOF(faults); i++) {
        struct driver *driver = faults[i].queue ? world->transmit : world->receive;

        bring_up(world, 2);
        driver_describe(driver, 0, faults[i].address, faults[i].length, faults[i].flags,
                        faults[i].next);
        driver_offer(driver, 0);
        kick(world, faults[i].queue);
        assert_int_equal(tap_host_send(&world->host, 60, 9), 0);
        assert_true(wait_status(world, VIRTIO_CONFIG_S_NEEDS_RESET));
        assert_int_equal(driver->used->idx, 0);
        set_status(world, 0);
        assert_true(wait_status(world, 0));
    }
    assert_true(wait_count(&world->config_signals, 1));
    /* After all that it works as on the first day. */
    bring_up(world, 2);
    transmit(world, 77, 1);
    kick(world, 1);
    assert_true(wait_used(world->transmit, 1));
    assert_true(tap_host_receive(&world->host, 77, 1));
}

static void test_one_queue_is_not_enough(void **state)
{
    struct world *world = *state;

    bring_up(world, 1);
    assert_true(wait_status(world, VIRTIO_CONFIG_S_NEEDS_RESET));
}

/* The interface is deleted under the running device: said once, no storm, and sending still
 * completes. */
static void test_interface_gone(void **state)
{
    struct world *world = *state;
    struct capture capture = capture_start();

    bring_up(world, 2);
    offer_buffer(world, 0, 2048);
    kick(world, 0);
    tap_host_delete(&world->host);
    (void)usleep(20000);
    for (uint16_t i = 0; i < 3; i++) {
        transmit(world, 60, 1);
        kick(world, 1);
        kick(world, 0);
        if (!wait_used(world->transmit, (uint16_t)(i + 1)))
            break;
    }
    _cleanup_free_ char *text = capture_end(&capture);
    assert_int_equal(world->transmit->used->idx, 3);
    assert_int_equal(world->receive->used->idx, 0);
    assert_int_equal(count_lines(text), 1);
    assert_non_null(strstr(text, "The TAP interface of 'eth0' is gone"));
}

static void test_tap_checks(void **state _unused_)
{
    const struct device_environment environment = {.take_fd = world_no_fd};
    struct virtio_device *device;
    _cleanup_close_ int null = memfd_create("no TAP", MFD_CLOEXEC);

    assert_int_equal(tap_prepare(null), -ENOTTY);
    assert_int_equal(tap_prepare(-1), -EBADF);
    assert_int_equal(tap_open("a-name-of-sixteen", false), -ENAMETOOLONG);
    assert_int_equal(net_create("eth0,tap=fd:net.eth0", &environment, &device), -ENOENT);
    assert_int_equal(net_create("eth0", &environment, &device), -EINVAL);
    struct tap_host host;
    assert_int_equal(tap_host_init(&host, "vtest1", false), 0);
    _cleanup_close_ int plain = tap_host_attach_plain("vtest2");
    assert_true(plain >= 0);
    assert_int_equal(tap_prepare(plain), -EINVAL); /* no IFF_VNET_HDR */
    tap_host_done(&host);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, world_free)
    static const struct CMUnitTest tests[] = {
        TEST(test_config),          TEST(test_transmit),
        TEST(test_transmit_pieces), TEST(test_receive),
        TEST(test_receive_late),    TEST(test_receive_too_large),
        TEST(test_faults),          TEST(test_one_queue_is_not_enough),
        TEST(test_interface_gone),  cmocka_unit_test(test_tap_checks),
    };

    if (tap_host_enter() < 0) {
        fprintf(stderr, "not run: cannot make TAP interfaces here: %m\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
