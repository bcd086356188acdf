/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-rng: what it fills, what it refuses, and how much it gives. */
#include "vmm/devices/rng.h"

#include "device-world.h"
#include "vmm/clock.h"

static struct world *rng_world(void)
{
    return world_new(rng_create, "rng", -EBADF);
}

/* Whether LENGTH bytes from P on look like no constant: none 32 times in a row. */
static bool looks_random(const uint8_t *p, size_t length)
{
    size_t same = 0;

    for (size_t i = 1; i < length; i++) {
        same = p[i] == p[i - 1] ? same + 1 : 0;
        if (same == 32)
            return false;
    }
    return true;
}

static void test_fills(void **state _unused_)
{
    struct world *world = rng_world();
    uint8_t *data = data_at(world, 0), first[64];

    assert_int_equal(world->device->type->id, VIRTIO_ID_RNG);
    assert_string_equal(world->device->id, "rng");
    bring_up(world, 1, FEATURE(VIRTIO_RING_F_EVENT_IDX)); /* each answer is signalled */
    assert_int_equal(exchange_one(world, 0, data_of(0), 64, true), 64);
    assert_true(looks_random(data, 64));
    assert_int_equal(data[64], 0);
    memcpy(first, data, 64);
    assert_int_equal(exchange_one(world, 0, data_of(0), 64, true), 64);
    assert_memory_not_equal(first, data, 64);
    assert_true(wait_count(&world->signals[0], 2));
    world_free(world);
}

/* A buffer in pieces, and one that is larger than an answer. */
static void test_pieces(void **state _unused_)
{
    struct world *world = rng_world();
    struct driver *driver = &world->queues[0];
    uint8_t *data = data_at(world, 0);

    bring_up(world, 1, 0);
    driver_describe(driver, 0, data_of(0), 100, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1);
    driver_describe(driver, 1, data_of(0) + 4096, 1, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 2);
    driver_describe(driver, 2, data_of(0) + 8192, 0x10000, VRING_DESC_F_WRITE, 0);
    driver_offer(driver, 0);
    kick(world, 0);
    assert_true(wait_used(driver, 1));
    assert_int_equal(driver->used->ring[0].len, RNG_REQUEST_MAX);
    assert_true(looks_random(data, 100));
    assert_int_equal(data[100], 0);
    assert_int_equal(data[4097], 0);
    assert_true(looks_random(data + 8192, RNG_REQUEST_MAX - 101));
    for (size_t i = RNG_REQUEST_MAX - 101; i < 0x10000; i++)
        assert_int_equal(data[8192 + i], 0);
    world_free(world);
}

static void test_broken(void **state _unused_)
{
    struct world *world = rng_world();
    struct capture capture = capture_start();

    for (unsigned i = 0; i < 3; i++) {
        bring_up(world, 1, 0);
        driver_describe(&world->queues[0], 0, data_of(0), 64, 0, 0);
        driver_offer(&world->queues[0], 0);
        kick(world, 0);
        assert_true(wait_status(world, VIRTIO_CONFIG_S_NEEDS_RESET));
        reset(world);
    }
    bring_up(world, 0, 0); /* without its queue */
    assert_true(wait_status(world, VIRTIO_CONFIG_S_NEEDS_RESET));
    reset(world);
    bring_up(world, 1, 0);
    assert_int_equal(exchange_one(world, 0, data_of(0), 64, true), 64);
    _cleanup_free_ char *text = capture_end(&capture);
    assert_int_equal(count_lines(text), 1);
    assert_non_null(strstr(text, "an entropy request is broken"));
    world_free(world);
}

/* However fast a guest asks: a burst, and from then on so much a second. A reset is no way out. */
static void test_rate(void **state _unused_)
{
    struct world *world = rng_world();
    uint64_t begin = clock_now_ns(), given = 0;

    while (given < RNG_BURST + RNG_BYTES_PER_SECOND / 4) {
        if (given % (16 * RNG_REQUEST_MAX) == 0) {
            reset(world);
            bring_up(world, 1,
                     given % (32 * RNG_REQUEST_MAX) ? 0 : FEATURE(VIRTIO_RING_F_EVENT_IDX));
        }
        given += exchange_one(world, 0, data_of(0), RNG_REQUEST_MAX, true);
    }
    uint64_t passed = clock_now_ns() - begin;
    /* The credit is of whole requests, and a tick may be just about to come. */
    assert_true(passed > CLOCK_NS_PER_SEC / 4 - CLOCK_NS_PER_SEC / 50);
    world_free(world);
}

/* Requests that wait for the rate end with the device. */
static void test_stop_while_waiting(void **state _unused_)
{
    struct world *world = rng_world();

    for (unsigned round = 0; round < 8; round++) {
        bring_up(world, 1, 0);
        for (uint16_t i = 0; i < RNG_QUEUE_SIZE; i++) {
            driver_describe(&world->queues[0], i, data_of(0), 0x10000, VRING_DESC_F_WRITE, 0);
            driver_offer(&world->queues[0], i);
        }
        kick(world, 0);
        reset(world);
    }
    world_free(world);
}

static void test_refused(void **state _unused_)
{
    static const char *const ids[] = {"", "Rng", "rng,max=1", "sixteen-letters-"};
    const struct device_environment environment = {0};

    for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
        struct capture capture = capture_start();
        struct virtio_device *device;
        int r = rng_create(ids[i], &environment, &device);
        _cleanup_free_ char *text = capture_end(&capture);

        assert_int_equal(r, -EINVAL);
        assert_non_null(strstr(text, "is no id"));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills),   cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_broken),  cmocka_unit_test(test_rate),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_stop_while_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
