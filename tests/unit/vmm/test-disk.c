/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-blk as a driver meets it: what is right is done, what is wrong is refused by its status.
 */
#include "disk-world.h"

static int setup(void **state)
{
    *state = world_new(world_image(), "", 4);
    bring_up(*state, 0);
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

static uint64_t mark_of(const struct world *world, uint64_t sector)
{
    uint64_t mark = UINT64_MAX;

    (void)pread(world->image, &mark, sizeof(mark), (off_t)(sector * DISK_SECTOR_SIZE));
    return mark;
}

static uint64_t mark_at(struct world *world, unsigned queue, size_t offset)
{
    uint64_t mark;

    memcpy(&mark, data_at(world, queue) + offset, sizeof(mark));
    return mark;
}

static void test_config(void **state)
{
    struct world *world = *state;
    struct virtio_blk_config config = {0};

    world->device->type->read_config(world->device, 0, &config, sizeof(config));
    assert_int_equal(config.capacity, IMAGE_SECTORS);
    assert_int_equal(config.blk_size, 512);
    assert_int_equal(config.physical_block_exp, 3);
    assert_int_equal(config.seg_max, 254);
    assert_int_equal(config.size_max, DISK_SEGMENT_SIZE_MAX);
    assert_int_equal(config.num_queues, 4);
    assert_int_equal(config.max_discard_sectors, DISK_RANGE_SECTORS_MAX);
    assert_int_equal(world->device->state.offered & FEATURE(VIRTIO_BLK_F_RO), 0);
    assert_true(world->device->state.offered & FEATURE(VIRTIO_BLK_F_MQ));
    assert_true(world->device->state.offered & FEATURE(VIRTIO_BLK_F_FLUSH));
}

static void test_read(void **state)
{
    struct world *world = *state;
    const struct piece pieces[] = {
        {data_of(0), 1024, true}, {data_of(0) + 4096, 1, true}, {data_of(0) + 4097, 511, true}};
    uint32_t length;

    assert_int_equal(request(world, 0, VIRTIO_BLK_T_IN, 7, pieces, 3, &length), VIRTIO_BLK_S_OK);
    assert_int_equal(length, 1536 + 1);
    assert_int_equal(mark_at(world, 0, 0), 7);
    assert_int_equal(mark_at(world, 0, 512), 8);
    assert_int_equal(mark_at(world, 0, 4096), 9);
    assert_true(wait_count(&world->signals[0], 1));
}

static void test_write(void **state)
{
    struct world *world = *state;

    memset(data_at(world, 0), 0x5a, 1024);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_OUT, 100, 1024, false), VIRTIO_BLK_S_OK);
    assert_int_equal(mark_of(world, 99), 99);
    assert_int_equal(mark_of(world, 100), UINT64_C(0x5a5a5a5a5a5a5a5a));
    assert_int_equal(mark_of(world, 101), UINT64_C(0x5a5a5a5a5a5a5a5a));
    assert_int_equal(mark_of(world, 102), 102);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_FLUSH, 0, 512, false), VIRTIO_BLK_S_OK);
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_FLUSH, 0, NULL, 0, NULL), VIRTIO_BLK_S_OK);
}

/* Header, data and status in one descriptor each way (2.7.4: no assumption about their cut). */
static void test_any_layout(void **state)
{
    struct world *world = *state;
    struct driver *driver = &world->queues[0];
    const struct virtio_blk_outhdr header = {.type = VIRTIO_BLK_T_IN, .sector = 5};

    memcpy(data_at(world, 0), &header, sizeof(header));
    driver_describe(driver, 0, data_of(0), 3, VRING_DESC_F_NEXT, 1);
    driver_describe(driver, 1, data_of(0) + 3, 13, VRING_DESC_F_NEXT, 2);
    driver_describe(driver, 2, data_of(0) + 4096, 513, VRING_DESC_F_WRITE, 0);
    data_at(world, 0)[4096 + 512] = NO_STATUS;
    driver_offer(driver, 0);
    kick(world, 0);
    assert_true(wait_used(driver, 1));
    assert_int_equal(driver->used->ring[0].len, 513);
    assert_int_equal(mark_at(world, 0, 4096), 5);
    assert_int_equal(data_at(world, 0)[4096 + 512], VIRTIO_BLK_S_OK);
}

static void test_indirect(void **state)
{
    struct world *world = *state;
    struct driver *driver = &world->queues[0];
    const struct virtio_blk_outhdr header = {.type = VIRTIO_BLK_T_IN, .sector = 1};
    enum { N = 254 };

    (void)guest_memory_write(&world->memory, header_of(0), &header, sizeof(header));
    driver_indirect(driver, TABLE, 0, header_of(0), sizeof(header), VRING_DESC_F_NEXT, 1);
    for (uint16_t i = 1; i <= N; i++)
        driver_indirect(driver, TABLE, i, data_of(0) + (i - 1u) * 512u, 512,
                        VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, (uint16_t)(i + 1));
    driver_indirect(driver, TABLE, N + 1, status_of(0), 1, VRING_DESC_F_WRITE, 0);
    driver_describe(driver, 0, TABLE, (N + 2) * 16, VRING_DESC_F_INDIRECT, 0);
    driver_offer(driver, 0);
    kick(world, 0);
    assert_true(wait_used(driver, 1));
    assert_int_equal(driver->used->ring[0].len, N * 512 + 1);
    assert_int_equal(mark_at(world, 0, 0), 1);
    assert_int_equal(mark_at(world, 0, (N - 1) * 512), N);
}

static void test_id(void **state)
{
    struct world *world = *state;
    const struct piece piece = {data_of(0), 20, true}, small = {data_of(0), 2, true};
    uint32_t length;

    memset(data_at(world, 0), 0xff, 32);
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_GET_ID, 0, &piece, 1, &length),
                     VIRTIO_BLK_S_OK);
    assert_int_equal(length, 21);
    assert_memory_equal(data_at(world, 0), "root\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    assert_int_equal(data_at(world, 0)[20], 0xff);
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_GET_ID, 0, &small, 1, NULL), VIRTIO_BLK_S_OK);
}

/* Sectors and lengths that are not the disk's: nothing is moved. */
static void test_bounds(void **state)
{
    struct world *world = *state;
    static const struct {
        uint64_t sector;
        uint32_t length;
        uint8_t status;
    } cases[] = {
        {IMAGE_SECTORS - 1, 512, VIRTIO_BLK_S_OK},
        {IMAGE_SECTORS, 512, VIRTIO_BLK_S_IOERR},
        {IMAGE_SECTORS - 1, 1024, VIRTIO_BLK_S_IOERR},
        {0, 511, VIRTIO_BLK_S_IOERR},
        {0, 513, VIRTIO_BLK_S_IOERR},
        {UINT64_MAX, 512, VIRTIO_BLK_S_IOERR},
        {UINT64_MAX / 512, 1024, VIRTIO_BLK_S_IOERR},
        {(UINT64_C(1) << 55), 512, VIRTIO_BLK_S_IOERR},
        {(UINT64_C(1) << 63) | 1, 512, VIRTIO_BLK_S_IOERR},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        memset(data_at(world, 0), 0x77, 2048);
        if (request_one(world, 0, VIRTIO_BLK_T_OUT, cases[i].sector, cases[i].length, false) !=
            cases[i].status)
            fail_msg("write %zu", i);
        if (request_one(world, 0, VIRTIO_BLK_T_IN, cases[i].sector, cases[i].length, true) !=
            cases[i].status)
            fail_msg("read %zu", i);
    }
    assert_int_equal(mark_of(world, 0), 0);
    assert_int_equal(mark_of(world, IMAGE_SECTORS - 2), IMAGE_SECTORS - 2);
    assert_int_equal(lseek(world->image, 0, SEEK_END), IMAGE_SIZE);
}

static void test_directions(void **state)
{
    struct world *world = *state;
    const struct piece both[] = {{data_of(0), 512, false}, {data_of(0) + 512, 512, true}};

    memset(data_at(world, 0), 0x33, 1024);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_IN, 3, 512, false), VIRTIO_BLK_S_IOERR);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_OUT, 3, 512, true), VIRTIO_BLK_S_IOERR);
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_OUT, 3, both, 2, NULL), VIRTIO_BLK_S_IOERR);
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_IN, 3, both, 2, NULL), VIRTIO_BLK_S_IOERR);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_DISCARD, 3, 16, true), VIRTIO_BLK_S_IOERR);
    assert_int_equal(mark_of(world, 3), 3);
    assert_int_equal(mark_at(world, 0, 512), UINT64_C(0x3333333333333333));
}

static void test_unknown(void **state)
{
    static const uint32_t types[] = {2,  3,  5,  7,  9,  10,         12,
                                     14, 15, 16, 17, 26, 0x80000000, UINT32_MAX};
    struct world *world = *state;

    for (size_t i = 0; i < ELEMENTSOF(types); i++) {
        uint32_t length;
        const struct piece piece = {data_of(0), 512, true};

        assert_int_equal(request(world, 0, types[i], 0, &piece, 1, &length), VIRTIO_BLK_S_UNSUPP);
        assert_int_equal(length, 0);
    }
}

static uint8_t ranges(struct world *world, uint32_t type,
                      const struct virtio_blk_discard_write_zeroes *list, unsigned n)
{
    memcpy(data_at(world, 0), list, n * sizeof(*list));
    return request_one(world, 0, type, 0, n * (uint32_t)sizeof(*list), false);
}

static void test_discard(void **state)
{
    struct world *world = *state;
    const struct virtio_blk_discard_write_zeroes good[] = {{8, 8, 0}, {24, 8, 0}, {99, 0, 0}},
                                                 flagged = {40, 8, 1},
                                                 far[] = {{48, 8, 0}, {IMAGE_SECTORS - 1, 2, 0}},
                                                 wrapped = {UINT64_MAX, 8, 0},
                                                 large = {0, DISK_RANGE_SECTORS_MAX + 1, 0};
    static const struct virtio_blk_discard_write_zeroes many[DISK_RANGES_MAX + 1];

    assert_int_equal(ranges(world, VIRTIO_BLK_T_DISCARD, good, 3), VIRTIO_BLK_S_OK);
    assert_int_equal(mark_of(world, 7), 7);
    assert_int_equal(mark_of(world, 8), 0);
    assert_int_equal(mark_of(world, 15), 0);
    assert_int_equal(mark_of(world, 16), 16);
    assert_int_equal(mark_of(world, 31), 0);
    assert_int_equal(ranges(world, VIRTIO_BLK_T_DISCARD, &flagged, 1), VIRTIO_BLK_S_UNSUPP);
    assert_int_equal(mark_of(world, 40), 40);
    assert_int_equal(ranges(world, VIRTIO_BLK_T_DISCARD, far, 2), VIRTIO_BLK_S_IOERR);
    assert_int_equal(mark_of(world, 48), 48); /* none of a list is done by halves */
    assert_int_equal(ranges(world, VIRTIO_BLK_T_DISCARD, &wrapped, 1), VIRTIO_BLK_S_IOERR);
    assert_int_equal(ranges(world, VIRTIO_BLK_T_DISCARD, &large, 1), VIRTIO_BLK_S_IOERR);
    assert_int_equal(ranges(world, VIRTIO_BLK_T_DISCARD, many, ELEMENTSOF(many)),
                     VIRTIO_BLK_S_IOERR);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_DISCARD, 0, 15, false), VIRTIO_BLK_S_IOERR);
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_DISCARD, 0, NULL, 0, NULL), VIRTIO_BLK_S_IOERR);
}

/* The image in memory knows of holes, and not of zeroing: both ways are gone. */
static void test_write_zeroes(void **state)
{
    struct world *world = *state;
    const struct virtio_blk_discard_write_zeroes kept = {3, 300, 0}, unmapped = {400, 9, 1},
                                                 flagged = {500, 8, 3};

    assert_int_equal(ranges(world, VIRTIO_BLK_T_WRITE_ZEROES, &kept, 1), VIRTIO_BLK_S_OK);
    assert_int_equal(mark_of(world, 2), 2);
    for (unsigned i = 3; i < 303; i++)
        assert_int_equal(mark_of(world, i), 0);
    assert_int_equal(mark_of(world, 303), 303);
    assert_int_equal(ranges(world, VIRTIO_BLK_T_WRITE_ZEROES, &unmapped, 1), VIRTIO_BLK_S_OK);
    assert_int_equal(mark_of(world, 399), 399);
    assert_int_equal(mark_of(world, 408), 0);
    assert_int_equal(mark_of(world, 409), 409);
    assert_int_equal(ranges(world, VIRTIO_BLK_T_WRITE_ZEROES, &flagged, 1), VIRTIO_BLK_S_UNSUPP);
    assert_int_equal(mark_of(world, 500), 500);
}

/* Every queue on its own thread, and more requests than are served in a row. */
static void test_queues(void **state)
{
    struct world *world = *state;
    enum { EACH = 100 };

    for (unsigned n = 0; n < EACH; n++)
        for (unsigned i = 0; i < 4; i++) {
            const struct piece piece = {data_of(i), 512, true};

            if (n == 0)
                offer(world, i, VIRTIO_BLK_T_IN, i + 10, &piece, 1);
            else
                offer_again(&world->queues[i], 0, (uint16_t)(n + 8));
            if (n == EACH - 1)
                kick(world, i);
        }
    for (unsigned i = 0; i < 4; i++) {
        assert_true(wait_used(&world->queues[i], EACH));
        assert_int_equal(mark_at(world, i, 0), i + 10);
        assert_true(wait_count(&world->signals[i], 1));
    }
}

/* The driver broke the ring, not only a request: the device waits for a reset, and works after. */
static void test_broken(void **state)
{
    struct world *world = *state;
    static const struct {
        uint32_t out, in;
    } cases[] = {{15, 1}, {16, 0}, {0, 512}};

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct driver *driver = &world->queues[i];
        uint16_t head = cases[i].out > 0 ? 0 : 1;

        driver_describe(driver, 0, data_of(0), cases[i].out,
                        cases[i].in > 0 ? VRING_DESC_F_NEXT : 0, 1);
        driver_describe(driver, 1, data_of(0), cases[i].in, VRING_DESC_F_WRITE, 0);
        struct capture capture = capture_start();
        driver_offer(driver, head);
        kick(world, (unsigned)i);
        assert_true(wait_status(world, VIRTIO_CONFIG_S_NEEDS_RESET));
        _cleanup_free_ char *text = capture_end(&capture);
        assert_true(i > 0 || strstr(text, "'root' broke the protocol: a request is broken"));
        assert_int_equal(driver->used->idx, 0);
        set_status(world, 0);
        assert_true(wait_status(world, 0));
        bring_up(world, 0);
        assert_int_equal(request_one(world, 3, VIRTIO_BLK_T_IN, 9, 512, true), VIRTIO_BLK_S_OK);
    }
}

/* A driver without MQ has one queue. */
static void test_single_queue(void **state)
{
    struct world *world = *state;
    const struct piece piece = {data_of(1), 512, true};

    set_status(world, 0);
    assert_true(wait_status(world, 0));
    bring_up(world, FEATURE(VIRTIO_BLK_F_MQ) | FEATURE(VIRTIO_RING_F_EVENT_IDX));
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_IN, 9, 512, true), VIRTIO_BLK_S_OK);
    offer(world, 1, VIRTIO_BLK_T_IN, 1, &piece, 1);
    kick(world, 1);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_IN, 9, 512, true), VIRTIO_BLK_S_OK);
    assert_int_equal(world->queues[1].used->idx, 0);
    assert_int_equal(status_now(world), READY);
}

static void test_readonly(void **state _unused_)
{
    const struct virtio_blk_discard_write_zeroes range = {8, 8, 0};
    struct world *world = world_new(world_image(), ",readonly", 1);

    assert_true(world->device->state.offered & FEATURE(VIRTIO_BLK_F_RO));
    assert_int_equal(world->device->state.offered &
                         (FEATURE(VIRTIO_BLK_F_DISCARD) | FEATURE(VIRTIO_BLK_F_WRITE_ZEROES)),
                     0);
    bring_up(world, FEATURE(VIRTIO_BLK_F_RO)); /* whatever the driver thinks of it */
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_IN, 9, 512, true), VIRTIO_BLK_S_OK);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_OUT, 8, 512, false), VIRTIO_BLK_S_IOERR);
    assert_int_equal(ranges(world, VIRTIO_BLK_T_DISCARD, &range, 1), VIRTIO_BLK_S_IOERR);
    assert_int_equal(ranges(world, VIRTIO_BLK_T_WRITE_ZEROES, &range, 1), VIRTIO_BLK_S_IOERR);
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_FLUSH, 0, NULL, 0, NULL), VIRTIO_BLK_S_OK);
    assert_int_equal(mark_of(world, 8), 8);
    world_free(world);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_config, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_layout, setup, teardown),
        cmocka_unit_test_setup_teardown(test_indirect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_id, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_discard, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_zeroes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_queues, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_single_queue, setup, teardown),
        cmocka_unit_test(test_readonly),
    };

    choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
