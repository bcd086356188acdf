/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The split ring, from a driver that is right in every way to one that is wrong in each. */
#include "vmm/virtio/virtqueue.h"

#include "driver.h"
#include "test.h"

static int setup(void **state)
{
    struct driver *driver = driver_new(16);

    *state = driver;
    return driver ? 0 : -1;
}

static int teardown(void **state)
{
    driver_free(*state);
    return 0;
}

static void start(struct driver *driver, bool event_index)
{
    assert_int_equal(virtqueue_start(&driver->queue, event_index), 0);
}

/* Pops, and expects what virtqueue_pop() returns. */
static struct virtqueue_chain *pop(struct driver *driver, int expected)
{
    static struct virtqueue_chain chain;

    assert_int_equal(virtqueue_pop(&driver->queue, &chain), expected);
    return &chain;
}

static void test_empty(void **state)
{
    struct driver *driver = *state;

    start(driver, false);
    pop(driver, 0);
}

static void test_simple_chain(void **state)
{
    struct driver *driver = *state;

    start(driver, false);
    driver_describe(driver, 3, DATA, 12, VRING_DESC_F_NEXT, 5);
    driver_describe(driver, 5, DATA + 100, 1500, VRING_DESC_F_NEXT, 1);
    driver_describe(driver, 1, DATA + 4096, 1, VRING_DESC_F_WRITE, 0);
    driver_offer(driver, 3);

    struct virtqueue_chain *chain = pop(driver, 1);
    assert_int_equal(chain->head, 3);
    assert_int_equal(chain->n_out, 2);
    assert_int_equal(chain->n_in, 1);
    assert_int_equal(chain->out_bytes, 1512);
    assert_int_equal(chain->in_bytes, 1);
    assert_ptr_equal(chain->iov[0].iov_base, guest_memory_at(&driver->memory, DATA, 1));
    assert_int_equal(chain->iov[1].iov_len, 1500);
    assert_ptr_equal(chain->iov[2].iov_base, guest_memory_at(&driver->memory, DATA + 4096, 1));
    pop(driver, 0);

    virtqueue_push(&driver->queue, 3, 1);
    assert_int_equal(driver->used->idx, 1);
    assert_int_equal(driver->used->ring[0].id, 3);
    assert_int_equal(driver->used->ring[0].len, 1);
}

static void test_indirect(void **state)
{
    struct driver *driver = *state;

    start(driver, false);
    driver_indirect(driver, TABLE, 0, DATA, 10, VRING_DESC_F_NEXT, 2);
    driver_indirect(driver, TABLE, 2, DATA, 20, VRING_DESC_F_WRITE, 0);
    driver_describe(driver, 0, TABLE, 3 * sizeof(struct vring_desc), VRING_DESC_F_INDIRECT, 0);
    driver_offer(driver, 0);
    struct virtqueue_chain *chain = pop(driver, 1);
    assert_int_equal(chain->out_bytes, 10);
    assert_int_equal(chain->in_bytes, 20);

    /* A table may end a chain that began in the ring (2.7.5.3.1), and may have the most entries. */
    for (uint16_t i = 0; i < VIRTQUEUE_CHAIN_MAX - 1; i++)
        driver_indirect(driver, TABLE, i, DATA, 1, i < 254 ? VRING_DESC_F_NEXT : 0,
                        (uint16_t)(i + 1));
    driver_describe(driver, 1, DATA, 5, VRING_DESC_F_NEXT, 0);
    driver_describe(driver, 0, TABLE, 256 * sizeof(struct vring_desc), VRING_DESC_F_INDIRECT, 0);
    driver_offer(driver, 1);
    chain = pop(driver, 1);
    assert_int_equal(chain->n_out, 256);
    assert_int_equal(chain->out_bytes, 260);
}

static void test_bad_indirect(void **state)
{
    static const struct {
        uint64_t address;
        uint32_t length;
        uint16_t flags;
    } cases[] = {
        {TABLE, 0, VRING_DESC_F_INDIRECT},
        {TABLE, 15, VRING_DESC_F_INDIRECT},
        {TABLE, 24, VRING_DESC_F_INDIRECT},
        {TABLE, 257 * 16, VRING_DESC_F_INDIRECT},
        {TABLE, UINT32_MAX & ~15u, VRING_DESC_F_INDIRECT},
        {TABLE, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT},
        {TABLE + 1, 16, VRING_DESC_F_INDIRECT},
        {16 * MIB - 16, 32, VRING_DESC_F_INDIRECT},
        {UINT64_MAX & ~UINT64_C(15), 32, VRING_DESC_F_INDIRECT},
    };
    struct driver *driver = *state;

    start(driver, false);
    driver_indirect(driver, TABLE, 0, DATA, 1, 0, 0);
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        driver_describe(driver, 0, cases[i].address, cases[i].length, cases[i].flags, 0);
        driver->available->idx = 0;
        driver_offer(driver, 0);
        pop(driver, -EPROTO);
    }
    /* A table in a table */
    driver_indirect(driver, TABLE, 0, TABLE, 16, VRING_DESC_F_INDIRECT, 0);
    driver_describe(driver, 0, TABLE, 16, VRING_DESC_F_INDIRECT, 0);
    pop(driver, -EPROTO);
    /* A way out of the table: index 1 of 1, where a good one stands */
    driver_indirect(driver, TABLE, 1, DATA, 1, 0, 0);
    driver_indirect(driver, TABLE, 0, DATA, 1, VRING_DESC_F_NEXT, 1);
    pop(driver, -EPROTO);
    /* A circle in the table */
    driver_indirect(driver, TABLE, 0, DATA, 1, VRING_DESC_F_NEXT, 0);
    pop(driver, -EPROTO);
    /* Too many in all, ring and table together */
    for (uint16_t i = 0; i < 256; i++)
        driver_indirect(driver, TABLE, i, DATA, 1, i < 255 ? VRING_DESC_F_NEXT : 0,
                        (uint16_t)(i + 1));
    driver_describe(driver, 0, DATA, 1, VRING_DESC_F_NEXT, 1);
    driver_describe(driver, 1, TABLE, 256 * 16, VRING_DESC_F_INDIRECT, 0);
    pop(driver, -EPROTO);
}

static void test_loops(void **state)
{
    struct driver *driver = *state;

    start(driver, false);
    driver_describe(driver, 4, DATA, 1, VRING_DESC_F_NEXT, 4);
    driver_offer(driver, 4);
    pop(driver, -EPROTO);
    for (uint16_t i = 0; i < 16; i++)
        driver_describe(driver, i, DATA, 1, VRING_DESC_F_NEXT, (uint16_t)((i + 1) % 16));
    pop(driver, -EPROTO);
    /* Sixteen of sixteen is no loop. */
    driver_describe(driver, 3, DATA, 1, 0, 0);
    assert_int_equal(pop(driver, 1)->n_out, 16);
}

static void test_bad_indices(void **state)
{
    struct driver *driver = *state;

    start(driver, false);
    driver_describe(driver, 0, DATA, 1, 0, 0);
    driver_offer(driver, 16); /* a head beyond the table */
    pop(driver, -EPROTO);
    driver->available->ring[0] = UINT16_MAX;
    pop(driver, -EPROTO);
    driver->available->ring[0] = 0;
    driver->available->idx = 17; /* more than there are */
    pop(driver, -EPROTO);
    driver->available->idx = UINT16_MAX; /* backwards */
    pop(driver, -EPROTO);
    driver->available->idx = 16;
    pop(driver, 1);
    /* What stands behind the table looks like a descriptor, and is none. */
    driver_describe(driver, 16, DATA, 1, 0, 0);
    driver_describe(driver, 0, DATA, 1, VRING_DESC_F_NEXT, 16);
    pop(driver, -EPROTO);
}

static void test_bad_buffers(void **state)
{
    static const struct {
        uint64_t address;
        uint32_t length;
    } cases[] = {
        {DATA, 0},
        {16 * MIB, 1},
        {16 * MIB - 1, 2},
        {UINT64_MAX, 1},
        {UINT64_MAX - 10, 100},
        {DATA, UINT32_MAX},
        {UINT64_C(0xe0000000), 4},
    };
    struct driver *driver = *state;

    start(driver, false);
    driver_offer(driver, 0);
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        driver_describe(driver, 0, cases[i].address, cases[i].length, 0, 0);
        pop(driver, -EPROTO);
        driver_describe(driver, 0, cases[i].address, cases[i].length, VRING_DESC_F_WRITE, 0);
        pop(driver, -EPROTO);
    }
    /* What the device writes stands before what it reads. */
    driver_describe(driver, 0, DATA, 1, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1);
    driver_describe(driver, 1, DATA, 1, 0, 0);
    pop(driver, -EPROTO);
}

static void test_signal_by_flags(void **state)
{
    struct driver *driver = *state;

    start(driver, false);
    assert_false(virtqueue_must_signal(&driver->queue)); /* nothing was pushed */
    virtqueue_push(&driver->queue, 0, 0);
    assert_true(virtqueue_must_signal(&driver->queue));
    assert_false(virtqueue_must_signal(&driver->queue));
    driver->available->flags = VRING_AVAIL_F_NO_INTERRUPT;
    virtqueue_push(&driver->queue, 0, 0);
    assert_false(virtqueue_must_signal(&driver->queue));
    driver->available->flags = 0;
    assert_false(virtqueue_must_signal(&driver->queue)); /* that one was decided */
}

static void test_signal_by_event_index(void **state)
{
    struct driver *driver = *state;

    start(driver, true);
    driver->available->flags = VRING_AVAIL_F_NO_INTERRUPT; /* has no meaning now */
    driver_set_used_event(driver, 2);
    virtqueue_push(&driver->queue, 0, 0);
    virtqueue_push(&driver->queue, 0, 0);
    assert_false(virtqueue_must_signal(&driver->queue));
    virtqueue_push(&driver->queue, 0, 0);
    assert_true(virtqueue_must_signal(&driver->queue));
    virtqueue_push(&driver->queue, 0, 0);
    assert_false(virtqueue_must_signal(&driver->queue));
}

static void test_notification(void **state)
{
    struct driver *driver = *state;

    start(driver, false);
    virtqueue_disable_notification(&driver->queue);
    assert_int_equal(driver->used->flags, VRING_USED_F_NO_NOTIFY);
    assert_false(virtqueue_enable_notification(&driver->queue));
    assert_int_equal(driver->used->flags, 0);
    /* A buffer that came between the last look and the wish is seen. */
    driver_describe(driver, 0, DATA, 1, 0, 0);
    driver_offer(driver, 0);
    assert_true(virtqueue_enable_notification(&driver->queue));
    pop(driver, 1);
    assert_false(virtqueue_enable_notification(&driver->queue));

    start(driver, true);
    assert_false(virtqueue_enable_notification(&driver->queue));
    assert_int_equal(driver_available_event(driver), 1);
    driver_offer(driver, 0);
    assert_true(virtqueue_enable_notification(&driver->queue));
}

/* The indices run freely over 65535 while the ring has sixteen places. */
static void test_wrap(void **state)
{
    struct driver *driver = *state;

    driver->queue.state.last_available = driver->queue.state.next_used = 65530;
    driver->available->idx = 65530;
    start(driver, true);
    driver_describe(driver, 0, DATA, 20, VRING_DESC_F_WRITE, 0);
    for (unsigned i = 0; i < 20; i++) {
        driver_set_used_event(driver, (uint16_t)(65530 + i));
        driver_offer(driver, 0);
        pop(driver, 1);
        virtqueue_push(&driver->queue, 0, i);
        assert_true(virtqueue_must_signal(&driver->queue));
        assert_int_equal(driver->used->ring[(65530 + i) % 16].len, i);
        assert_int_equal(driver->used->idx, (uint16_t)(65531 + i));
        pop(driver, 0);
    }
}

static void test_start_checks(void **state)
{
    struct driver *driver = *state;
    struct virtqueue *queue = &driver->queue;
    static const uint16_t sizes[] = {0, 3, 255, 257, 512, 32768, 65535};
    const struct virtqueue_state good = queue->state;

    for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
        queue->state.size = sizes[i];
        assert_int_equal(virtqueue_start(queue, false), -EINVAL);
    }
    queue->state = good;
    queue->state.descriptor_area += 8;
    assert_int_equal(virtqueue_start(queue, false), -EINVAL);
    queue->state = good;
    queue->state.driver_area += 1;
    assert_int_equal(virtqueue_start(queue, false), -EINVAL);
    queue->state = good;
    queue->state.device_area += 2;
    assert_int_equal(virtqueue_start(queue, false), -EINVAL);

    uint64_t *areas[] = {&queue->state.descriptor_area, &queue->state.driver_area,
                         &queue->state.device_area};
    for (size_t i = 0; i < ELEMENTSOF(areas); i++) {
        static const uint64_t bad[] = {16 * MIB, 16 * MIB - 16, UINT64_MAX & ~UINT64_C(15),
                                       UINT64_C(0xe0000000)};

        for (size_t k = 0; k < ELEMENTSOF(bad); k++) {
            queue->state = good;
            *areas[i] = bad[k];
            assert_int_equal(virtqueue_start(queue, false), -EFAULT);
        }
    }
    queue->state = good;
    queue->state.size = 1;
    assert_int_equal(virtqueue_start(queue, false), 0);
}

static void test_size_one(void **state)
{
    struct driver *driver = *state;

    driver->queue.state.size = 1;
    start(driver, false);
    driver_describe(driver, 0, DATA, 3, VRING_DESC_F_WRITE, 0);
    for (unsigned i = 0; i < 3; i++) {
        driver->available->ring[0] = 0;
        driver->available->idx++;
        pop(driver, 1);
        pop(driver, 0);
        virtqueue_push(&driver->queue, 0, i);
        assert_int_equal(driver->used->ring[0].len, i);
    }
}

/* A head that the device has is not taken again before it was given back. */
static void test_taken_twice(void **state)
{
    struct driver *driver = *state;

    start(driver, false);
    driver_describe(driver, 0, DATA, 8, VRING_DESC_F_WRITE, 0);
    driver_describe(driver, 1, DATA, 8, VRING_DESC_F_WRITE, 0);
    driver_offer(driver, 0);
    pop(driver, 1);
    driver_offer(driver, 1);
    pop(driver, 1);
    driver_offer(driver, 0);
    pop(driver, -EPROTO);
    virtqueue_push(&driver->queue, 1, 0);
    pop(driver, -EPROTO);
    virtqueue_push(&driver->queue, 0, 0);
    pop(driver, 1);
    start(driver, false); /* a new life has nothing under way */
    driver_offer(driver, 0);
    pop(driver, 1);
}

/* The driver is told of no more bytes than it lent, whatever a device believes. */
static void test_length_bounded(void **state)
{
    struct driver *driver = *state;

    start(driver, false);
    driver_describe(driver, 0, DATA, 100, VRING_DESC_F_NEXT, 1);
    driver_describe(driver, 1, DATA, 8, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 2);
    driver_describe(driver, 2, DATA + 8, 4, VRING_DESC_F_WRITE, 0);
    driver_offer(driver, 0);
    pop(driver, 1);
    virtqueue_push(&driver->queue, 0, 13);
    assert_int_equal(driver->used->ring[0].len, 12);
    virtqueue_push(&driver->queue, 0, 1); /* it is not the device's any more */
    assert_int_equal(driver->used->ring[1].len, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_empty),
        TEST(test_simple_chain),
        TEST(test_indirect),
        TEST(test_bad_indirect),
        TEST(test_loops),
        TEST(test_bad_indices),
        TEST(test_bad_buffers),
        TEST(test_signal_by_flags),
        TEST(test_signal_by_event_index),
        TEST(test_notification),
        TEST(test_wrap),
        TEST(test_start_checks),
        TEST(test_size_one),
        TEST(test_taken_twice),
        TEST(test_length_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
