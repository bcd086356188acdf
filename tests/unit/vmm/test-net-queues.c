/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virtio-net with several queue pairs, and its control queue. Without TAP interfaces this exits 77:
 * not run, which is not passed.
 */
#include <endian.h>

#include "net-world.h"
#include "vmm/devices/net-device.h"

enum {
    PAIRS = 4,
    CONTROL = 2 * PAIRS,
    CONTROL_ALONE = 2, /* where VIRTIO_NET_F_MQ was not accepted */
};

#define CONTROL_FEATURES                                                                           \
    (PLAIN_FEATURES | NET_FEATURE(VIRTIO_NET_F_CTRL_VQ) | NET_FEATURE(VIRTIO_NET_F_GUEST_ANNOUNCE))
#define QUEUES_FEATURES (CONTROL_FEATURES | NET_FEATURE(VIRTIO_NET_F_MQ))
#define OFFLOADS_FEATURES                                                                          \
    (CONTROL_FEATURES | NET_FEATURE(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) |                            \
     NET_FEATURE(VIRTIO_NET_F_GUEST_CSUM) | NET_FEATURE(VIRTIO_NET_F_GUEST_TSO4))

static int setup(void **state)
{
    return world_new(state, PAIRS, QUEUES_FEATURES);
}

static int setup_without_mq(void **state)
{
    return world_new(state, PAIRS, CONTROL_FEATURES);
}

static int setup_offloads(void **state)
{
    return world_new(state, 1, OFFLOADS_FEATURES);
}

/* Sends a command of LENGTH bytes of data, in two descriptors and one for the answer. */
static uint8_t command(struct world *world, unsigned queue, uint8_t class, uint8_t number,
                       const void *data, uint32_t length)
{
    struct driver *driver = &world->queues[queue];
    uint16_t before = driver->used->idx;
    const uint8_t header[] = {class, number};
    uint8_t answer = 0xee;

    assert_int_equal(guest_memory_write(&world->memory, data_of(queue), header, 2), 0);
    if (length > 0)
        assert_int_equal(guest_memory_write(&world->memory, data_of(queue) + 16, data, length), 0);
    assert_int_equal(guest_memory_write(&world->memory, data_of(queue) + 64, &answer, 1), 0);
    driver_describe(driver, 0, data_of(queue), 2, VRING_DESC_F_NEXT, length > 0 ? 1 : 2);
    driver_describe(driver, 1, data_of(queue) + 16, length, VRING_DESC_F_NEXT, 2);
    driver_describe(driver, 2, data_of(queue) + 64, 1, VRING_DESC_F_WRITE, 0);
    driver_offer(driver, 0);
    kick(world, queue);
    assert_true(wait_used(driver, (uint16_t)(before + 1)));
    assert_int_equal(driver->used->ring[before % NET_QUEUE_SIZE].len, 1);
    assert_int_equal(guest_memory_read(&world->memory, data_of(queue) + 64, &answer, 1), 0);
    return answer;
}

static uint8_t set_pairs(struct world *world, uint16_t n)
{
    uint16_t le = htole16(n);

    return command(world, CONTROL, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &le, 2);
}

static struct virtio_net_config config_of(struct world *world)
{
    struct virtio_net_config config = {0};

    pthread_mutex_lock(&world->device->mutex);
    world->device->type->read_config(world->device, 0, &config, sizeof(config));
    pthread_mutex_unlock(&world->device->mutex);
    return config;
}

static uint8_t generation_of(struct world *world)
{
    pthread_mutex_lock(&world->device->mutex);
    uint8_t generation = world->device->state.config_generation;
    pthread_mutex_unlock(&world->device->mutex);
    return generation;
}

static bool send_on(struct world *world, unsigned pair, uint8_t mark)
{
    static const struct virtio_net_hdr_v1 none;
    unsigned queue = 2 * pair + 1;
    uint16_t before = __atomic_load_n(&world->queues[queue].used->idx, __ATOMIC_ACQUIRE);

    transmit_on(world, queue, 80, mark, &none);
    kick(world, queue);
    return wait_used(&world->queues[queue], (uint16_t)(before + 1));
}

static void test_offers(void **state)
{
    struct world *world = *state;
    uint64_t offered = world->device->state.offered;

    assert_int_equal(config_of(world).max_virtqueue_pairs, PAIRS);
    assert_int_equal(world->device->n_queues, 2 * PAIRS + 1);
    assert_true(offered & NET_FEATURE(VIRTIO_NET_F_MQ));
    assert_true(offered & NET_FEATURE(VIRTIO_NET_F_MRG_RXBUF));
    assert_true((offered & NET_FEATURES_GUEST) == NET_FEATURES_GUEST);
    assert_true((offered & NET_FEATURES_HOST) == NET_FEATURES_HOST);
}

/* Frames come out of every pair that is turned on, and of none that is not. */
static void test_pairs_are_turned_on_and_off(void **state)
{
    struct world *world = *state;

    bring_up(world, CONTROL + 1);
    assert_true(send_on(world, 0, 1));
    assert_true(tap_host_receive(&world->host, 80, 1));
    assert_true(send_on(world, 3, 2)); /* given back, and lost */
    assert_int_equal(set_pairs(world, PAIRS), VIRTIO_NET_OK);
    for (unsigned i = 0; i < PAIRS; i++) {
        assert_true(send_on(world, i, (uint8_t)(10 + i)));
        assert_true(tap_host_receive(&world->host, 80, (uint8_t)(10 + i)));
        assert_true(wait_count(&world->signals[2 * i + 1], 1));
    }
    assert_int_equal(set_pairs(world, 2), VIRTIO_NET_OK);
    assert_true(send_on(world, 2, 20));
    assert_true(send_on(world, 1, 21));
    assert_true(tap_host_receive(&world->host, 80, 21));
    assert_int_equal(set_pairs(world, PAIRS), VIRTIO_NET_OK);
    assert_true(send_on(world, 3, 30));
    assert_true(tap_host_receive(&world->host, 80, 30));
}

/* The host's frames reach the queues that are on, whatever their number does meanwhile. */
static void test_frames_arrive_while_pairs_change(void **state)
{
    struct world *world = *state;
    unsigned arrived = 0, sent = 0;

    bring_up(world, CONTROL + 1);
    for (unsigned i = 0; i < PAIRS; i++) {
        for (uint16_t j = 0; j < 64; j++)
            (void)offer_to(world, 2 * i, j, 2048);
        kick(world, 2 * i);
    }
    for (uint16_t round = 0; round < 12; round++) {
        assert_int_equal(set_pairs(world, (uint16_t)(round % PAIRS + 1)), VIRTIO_NET_OK);
        for (unsigned i = 0; i < 4; i++, sent++)
            assert_int_equal(tap_host_send(&world->host, 100, (uint8_t)sent), 0);
        for (unsigned wait = 0; wait < 2000 && arrived < sent; wait++) {
            arrived = 0;
            for (unsigned i = 0; i < PAIRS; i++)
                arrived += __atomic_load_n(&world->queues[2 * i].used->idx, __ATOMIC_ACQUIRE);
            (void)usleep(1000);
        }
        /* What waited in a queue that is turned off may be lost, as on any wire. */
        assert_true(arrived >= sent - 4);
        arrived = 0;
    }
}

static void test_refused_commands(void **state)
{
    struct world *world = *state;
    uint8_t data[8] = {1};

    bring_up(world, 2 * PAIRS - 1); /* the last pair has but one queue, and there is no control */
    set_status(world, 0);
    assert_true(wait_status(world, 0));
    bring_up(world, CONTROL + 1);
    assert_int_equal(set_pairs(world, 0), VIRTIO_NET_ERR);
    assert_int_equal(set_pairs(world, PAIRS + 1), VIRTIO_NET_ERR);
    assert_int_equal(set_pairs(world, 0x8000), VIRTIO_NET_ERR);
    assert_int_equal(command(world, CONTROL, VIRTIO_NET_CTRL_MQ, 1, data, 2), VIRTIO_NET_ERR);
    assert_int_equal(command(world, CONTROL, VIRTIO_NET_CTRL_MQ, 0, data, 1), VIRTIO_NET_ERR);
    assert_int_equal(command(world, CONTROL, VIRTIO_NET_CTRL_MQ, 0, data, 0), VIRTIO_NET_ERR);
    assert_int_equal(command(world, CONTROL, VIRTIO_NET_CTRL_MQ, 0, data, 8), VIRTIO_NET_ERR);
    assert_int_equal(command(world, CONTROL, VIRTIO_NET_CTRL_RX, 0, data, 1), VIRTIO_NET_ERR);
    assert_int_equal(command(world, CONTROL, VIRTIO_NET_CTRL_GUEST_OFFLOADS, 0, data, 8),
                     VIRTIO_NET_ERR); /* not negotiated */
    assert_int_equal(command(world, CONTROL, 0xff, 0xff, data, 8), VIRTIO_NET_ERR);
    assert_int_equal(set_pairs(world, PAIRS), VIRTIO_NET_OK);
}

/* More changes than the host is to suffer in a second wait for the next one, and are made then. */
static void test_many_changes_take_their_time(void **state)
{
    struct world *world = *state;

    bring_up(world, CONTROL + 1);
    for (uint16_t i = 0; i < 2 * NET_CHANGES_PER_TICK + 10; i++)
        assert_int_equal(set_pairs(world, i % 2 + 2), VIRTIO_NET_OK);
    for (uint16_t i = 0; i < 200; i++) /* no changes */
        assert_int_equal(set_pairs(world, 3), VIRTIO_NET_OK);
    assert_true(send_on(world, 2, 1));
    assert_true(tap_host_receive(&world->host, 80, 1));
}

/* A pair of which the driver made one queue cannot be turned on; those before it can. */
static void test_half_a_pair(void **state)
{
    struct world *world = *state;
    struct virtqueue_state *queue = &world->device->queues[7].state;

    bring_up(world, CONTROL + 1);
    set_status(world, 0);
    assert_true(wait_status(world, 0));
    bring_up(world, 7);
    assert_false(queue->enabled);
    assert_true(send_on(world, 0, 1));
    assert_true(tap_host_receive(&world->host, 80, 1));
}

/* Without VIRTIO_NET_F_MQ the control queue is number 2, and there is one pair. */
static void test_without_mq(void **state)
{
    struct world *world = *state;
    uint16_t two = htole16(2);

    bring_up(world, 3);
    assert_int_equal(command(world, CONTROL_ALONE, VIRTIO_NET_CTRL_MQ, 0, &two, 2), VIRTIO_NET_ERR);
    assert_int_equal(command(world, CONTROL_ALONE, VIRTIO_NET_CTRL_ANNOUNCE, 0, NULL, 0),
                     VIRTIO_NET_OK);
    assert_true(send_on(world, 0, 5));
    assert_true(tap_host_receive(&world->host, 80, 5));
}

static void test_announcement_is_asked_for_until_acknowledged(void **state)
{
    struct world *world = *state;

    bring_up(world, 3);
    for (unsigned i = 0; i < 1000 && world->config_signals == 0; i++)
        (void)usleep(1000);
    assert_int_equal(config_of(world).status, VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE);
    assert_int_equal(command(world, CONTROL_ALONE, VIRTIO_NET_CTRL_ANNOUNCE, 1, NULL, 0),
                     VIRTIO_NET_ERR);
    assert_int_equal(command(world, CONTROL_ALONE, VIRTIO_NET_CTRL_ANNOUNCE,
                             VIRTIO_NET_CTRL_ANNOUNCE_ACK, NULL, 0),
                     VIRTIO_NET_OK);
    assert_int_equal(config_of(world).status, VIRTIO_NET_S_LINK_UP);
    set_status(world, 0);
    assert_true(wait_status(world, 0));
    bring_up(world, 3);
    for (unsigned i = 0; i < 1000 && config_of(world).status == VIRTIO_NET_S_LINK_UP; i++)
        (void)usleep(1000);
    assert_int_equal(config_of(world).status, VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE);
}

static void test_cable_is_pulled_when_the_tap_goes(void **state)
{
    struct world *world = *state;
    struct capture capture = capture_start();

    bring_up(world, CONTROL + 1);
    bool turned_on = set_pairs(world, PAIRS) == VIRTIO_NET_OK;
    uint8_t generation = generation_of(world);
    tap_host_delete(&world->host);
    for (unsigned i = 0; i < 5000 && (config_of(world).status & VIRTIO_NET_S_LINK_UP); i++)
        (void)usleep(1000);
    bool sent = send_on(world, 2, 1);
    /* A driver that is loaded anew finds it as it is. */
    set_status(world, 0);
    bool reset = wait_status(world, 0);
    bring_up(world, CONTROL + 1);
    bool again = send_on(world, 0, 1);
    uint16_t status = config_of(world).status;
    _cleanup_free_ char *text = capture_end(&capture);

    assert_true(turned_on && sent && reset && again);
    assert_false(status & VIRTIO_NET_S_LINK_UP);
    assert_int_not_equal(generation_of(world), generation);
    assert_true(world->config_signals > 0);
    assert_int_equal(count_lines(text), 1);
    assert_non_null(strstr(text, "The TAP interface of 'eth0' is gone: its link is down"));
}

/* What the driver takes back, the host's kernel does itself: no header asks for a checksum. */
static void test_offloads_can_be_turned_off(void **state)
{
    struct world *world = *state;
    uint64_t none = 0, csum = htole64(NET_FEATURE(VIRTIO_NET_F_GUEST_CSUM));
    uint64_t never = htole64(NET_FEATURE(VIRTIO_NET_F_GUEST_TSO6));

    bring_up(world, 3);
    assert_int_equal(command(world, 2, VIRTIO_NET_CTRL_GUEST_OFFLOADS, 0, &none, 8), VIRTIO_NET_OK);
    assert_int_equal(command(world, 2, VIRTIO_NET_CTRL_GUEST_OFFLOADS, 0, &csum, 8), VIRTIO_NET_OK);
    assert_int_equal(command(world, 2, VIRTIO_NET_CTRL_GUEST_OFFLOADS, 0, &never, 8),
                     VIRTIO_NET_ERR);
    assert_int_equal(command(world, 2, VIRTIO_NET_CTRL_GUEST_OFFLOADS, 0, &none, 7),
                     VIRTIO_NET_ERR);
    assert_int_equal(command(world, 2, VIRTIO_NET_CTRL_GUEST_OFFLOADS, 1, &none, 8),
                     VIRTIO_NET_ERR);
}

struct broken_command {
    uint32_t length;
    uint16_t flags, next;
};

/* A chain without room for the answer breaks the protocol; one that is too short is no command. */
static void test_broken_commands(void **state)
{
    static const struct broken_command broken[] = {
        {10, 0, 0},                 /* no answer */
        {10, VRING_DESC_F_NEXT, 0}, /* a circle */
    };
    struct world *world = *state;

    for (size_t i = 0; i < ELEMENTSOF(broken); i++) {
        struct driver *driver = &world->queues[CONTROL];

        bring_up(world, CONTROL + 1);
        driver_describe(driver, 0, data_of(CONTROL), broken[i].length, broken[i].flags,
                        broken[i].next);
        driver_offer(driver, 0);
        kick(world, CONTROL);
        assert_true(wait_status(world, VIRTIO_CONFIG_S_NEEDS_RESET));
        set_status(world, 0);
        assert_true(wait_status(world, 0));
    }
    struct driver *driver = &world->queues[CONTROL];
    bring_up(world, CONTROL + 1);
    driver_describe(driver, 0, data_of(CONTROL), 1, VRING_DESC_F_NEXT, 1);
    driver_describe(driver, 1, data_of(CONTROL) + 64, 4, VRING_DESC_F_WRITE, 0);
    driver_offer(driver, 0);
    kick(world, CONTROL);
    assert_true(wait_used(driver, 1));
    uint8_t answer;
    assert_int_equal(guest_memory_read(&world->memory, data_of(CONTROL) + 64, &answer, 1), 0);
    assert_int_equal(answer, VIRTIO_NET_ERR);
}

/* A fault on one pair's thread stops all of them, and a reset makes all of them well. */
static void test_fault_on_another_pair(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < 20; i++) {
        bring_up(world, CONTROL + 1);
        assert_int_equal(set_pairs(world, PAIRS), VIRTIO_NET_OK);
        driver_describe(&world->queues[5], 0, UINT64_MAX, 100, 0, 0);
        driver_offer(&world->queues[5], 0);
        kick(world, 5);
        if (i % 2 == 0)
            assert_true(wait_status(world, VIRTIO_CONFIG_S_NEEDS_RESET));
        set_status(world, 0);
        assert_true(wait_status(world, 0));
    }
    bring_up(world, CONTROL + 1);
    assert_int_equal(set_pairs(world, PAIRS), VIRTIO_NET_OK);
    assert_true(send_on(world, 2, 9));
    assert_true(tap_host_receive(&world->host, 80, 9));
}

/* The host does not go on to give packets to the queue of a pair that broke. */
static void test_broken_pair_is_detached(void **state)
{
    struct world *world = *state;
    const struct net *net = net_of(world->device);

    bring_up(world, CONTROL + 1);
    assert_int_equal(set_pairs(world, PAIRS), VIRTIO_NET_OK);
    driver_describe(&world->queues[3], 0, data_of(3), 3, 0, 0);
    driver_offer(&world->queues[3], 0);
    kick(world, 3);
    assert_true(wait_status(world, VIRTIO_CONFIG_S_NEEDS_RESET));
    for (unsigned i = 1; i < PAIRS; i++)
        assert_int_equal(tap_set_attached(net->pairs[i]->tap_fd, true), 0);
}

/* A notification that comes with a reset finds no queue any more, and no harm is done. */
static void test_notifications_race_resets(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < 200; i++) {
        bring_up(world, CONTROL + 1);
        set_status(world, 0);
        for (unsigned queue = 0; queue <= CONTROL; queue++)
            kick(world, queue);
        assert_true(wait_status(world, 0));
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, world_free)
    static const struct CMUnitTest tests[] = {
        TEST(test_offers),
        TEST(test_pairs_are_turned_on_and_off),
        TEST(test_frames_arrive_while_pairs_change),
        TEST(test_refused_commands),
        TEST(test_many_changes_take_their_time),
        TEST(test_half_a_pair),
        TEST(test_broken_commands),
        TEST(test_fault_on_another_pair),
        TEST(test_broken_pair_is_detached),
        TEST(test_notifications_race_resets),
        TEST(test_cable_is_pulled_when_the_tap_goes),
        cmocka_unit_test_setup_teardown(test_without_mq, setup_without_mq, world_free),
        cmocka_unit_test_setup_teardown(test_announcement_is_asked_for_until_acknowledged,
                                        setup_without_mq, world_free),
        cmocka_unit_test_setup_teardown(test_offloads_can_be_turned_off, setup_offloads,
                                        world_free),
    };

    if (tap_host_enter() < 0) {
        fprintf(stderr, "not run: cannot make TAP interfaces here: %m\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
