/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many requests at a time: ends in any order, stops in the middle, and a host that has no ring. */
#include <liburing.h>

#include "disk-world.h"
#include "vmm/devices/disk-queue.h"

static struct {
    atomic_bool hold;    /* no answer is seen */
    atomic_uint refused; /* so many times the kernel does not take what it is given */
    atomic_int no_ring;  /* why there is none */
} kernel;

bool __real_disk_ring_take(struct disk_ring *ring, void **ret_tag, int64_t *ret_answer);
int __real_disk_ring_submit(struct disk_ring *ring, bool wait);
int __real_io_uring_queue_init(unsigned n, struct io_uring *ring, unsigned flags);
bool __wrap_disk_ring_take(struct disk_ring *ring, void **ret_tag, int64_t *ret_answer);
int __wrap_disk_ring_submit(struct disk_ring *ring, bool wait);
int __wrap_io_uring_queue_init(unsigned n, struct io_uring *ring, unsigned flags);

bool __wrap_disk_ring_take(struct disk_ring *ring, void **ret_tag, int64_t *ret_answer)
{
    return !kernel.hold && __real_disk_ring_take(ring, ret_tag, ret_answer);
}

int __wrap_disk_ring_submit(struct disk_ring *ring, bool wait)
{
    if (kernel.refused > 0) {
        kernel.refused--;
        return -EAGAIN;
    }
    return __real_disk_ring_submit(ring, wait);
}

int __wrap_io_uring_queue_init(unsigned n, struct io_uring *ring, unsigned flags)
{
    return kernel.no_ring ? -kernel.no_ring : __real_io_uring_queue_init(n, ring, flags);
}

static int setup(void **state)
{
    memset(&kernel, 0, sizeof(kernel));
    *state = world_new(world_image(), "", 2);
    bring_up(*state, 0);
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

/* N chains of their own, each a read of sector I into its own buffer. */
static void offer_reads(struct world *world, unsigned n)
{
    struct driver *driver = &world->queues[0];

    for (uint16_t i = 0; i < n; i++) {
        uint64_t at = data_of(0) + 0x40000 + i * 1024u;
        const struct virtio_blk_outhdr header = {.type = VIRTIO_BLK_T_IN, .sector = i};
        uint16_t first = (uint16_t)(i * 2);
        uint8_t none = NO_STATUS;

        (void)guest_memory_write(&world->memory, at, &header, sizeof(header));
        (void)guest_memory_write(&world->memory, at + 16 + 512, &none, 1);
        driver_describe(driver, first, at, sizeof(header), VRING_DESC_F_NEXT,
                        (uint16_t)(first + 1));
        driver_describe(driver, (uint16_t)(first + 1), at + 16, 513, VRING_DESC_F_WRITE, 0);
        driver_offer(driver, first);
    }
}

static void check_reads(struct world *world, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *got =
            guest_memory_at(&world->memory, data_of(0) + 0x40000 + i * 1024u + 16, 513);

        assert_int_equal(*(const uint64_t *)(const void *)got, i);
        assert_int_equal(got[512], VIRTIO_BLK_S_OK);
    }
}

/* Each once, in whatever order. */
static void check_used(const struct driver *driver, unsigned n)
{
    bool seen[DISK_QUEUE_SIZE] = {false};

    assert_int_equal(driver->used->idx, n);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(driver->used->ring[i].len, 513);
        assert_false(seen[driver->used->ring[i].id]);
        seen[driver->used->ring[i].id] = true;
    }
}

static void test_many(void **state)
{
    struct world *world = *state;

    offer_reads(world, DISK_QUEUE_SIZE / 2);
    kick(world, 0);
    assert_true(wait_used(&world->queues[0], DISK_QUEUE_SIZE / 2));
    check_used(&world->queues[0], DISK_QUEUE_SIZE / 2);
    check_reads(world, DISK_QUEUE_SIZE / 2);
}

/* More chains than are ever under way, some of them in the same buffers: it goes on when there is
 * room. */
static void test_more_than_fit(void **state)
{
    struct world *world = *state;
    enum { MANY = DISK_UNDER_WAY_MAX * 3 / 4 };
    struct driver *driver = &world->queues[0];

    kernel.hold = true;
    offer_reads(world, MANY);
    for (uint16_t i = 0; i < DISK_QUEUE_SIZE - 2 * MANY; i++)
        offer_again(driver, (uint16_t)(2 * i), (uint16_t)(2 * MANY + i));
    kick(world, 0);
    for (unsigned i = 0;
         i < 10000 && world->device->queues[0].state.last_available < DISK_UNDER_WAY_MAX; i++)
        (void)usleep(1000);
    (void)usleep(10000);
    assert_int_equal(driver->used->idx, 0);
    assert_int_equal(world->device->queues[0].state.last_available, DISK_UNDER_WAY_MAX);
    kernel.hold = false;
    assert_true(wait_used(driver, DISK_QUEUE_SIZE - MANY));
    check_reads(world, MANY);
    assert_int_equal(request_one(world, 1, VIRTIO_BLK_T_IN, 9, 512, true), VIRTIO_BLK_S_OK);
}

/* One queue that waits for the host holds up no other. */
static void test_apart(void **state)
{
    struct world *world = *state;

    kernel.hold = true;
    offer_reads(world, 10);
    kick(world, 0);
    const struct piece piece = {data_of(1), 20, true};
    assert_int_equal(request(world, 1, VIRTIO_BLK_T_GET_ID, 0, &piece, 1, NULL), VIRTIO_BLK_S_OK);
    assert_int_equal(world->queues[0].used->idx, 0);
    kernel.hold = false;
    assert_true(wait_used(&world->queues[0], 10));
}

/* A reset waits until nothing is under way: memory is the driver's again only then. */
static void test_reset(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < 20; i++) {
        kernel.hold = true;
        offer_reads(world, 100);
        kick(world, 0);
        bool late = i % 2;
        while (late && world->device->queues[0].state.last_available < 100)
            (void)usleep(100);
        set_status(world, 0);
        (void)usleep(2000);
        assert_true(!late || status_now(world) != 0);
        kernel.hold = false;
        assert_true(wait_status(world, 0));
        unsigned used = world->queues[0].used->idx;
        (void)usleep(1000);
        assert_int_equal(world->queues[0].used->idx, used);
        bring_up(world, 0);
        assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_IN, 9, 512, true), VIRTIO_BLK_S_OK);
    }
}

/* A broken request among good ones: these come to their end, and the device waits for a reset. */
static void test_broken(void **state)
{
    struct world *world = *state;
    struct driver *driver = &world->queues[0];

    struct capture capture = capture_start();
    kernel.hold = true;
    offer_reads(world, 50);
    driver_describe(driver, 200, data_of(0), 3, VRING_DESC_F_WRITE, 0);
    driver_offer(driver, 200);
    kick(world, 0);
    (void)usleep(2000);
    kernel.hold = false;
    assert_true(wait_status(world, VIRTIO_CONFIG_S_NEEDS_RESET));
    _cleanup_free_ char *text = capture_end(&capture);
    assert_non_null(strstr(text, "a request is broken"));
    check_used(driver, 50);
    check_reads(world, 50);
    set_status(world, 0);
    assert_true(wait_status(world, 0));
    bring_up(world, 0);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_IN, 9, 512, true), VIRTIO_BLK_S_OK);
}

static void test_short_of_memory(void **state)
{
    struct world *world = *state;

    kernel.refused = 5;
    offer_reads(world, 20);
    kick(world, 0);
    assert_true(wait_used(&world->queues[0], 20));
    check_reads(world, 20);
    assert_int_equal(kernel.refused, 0);
}

/* The device goes away in the middle of it. */
static void test_end(void **state)
{
    struct world *world = *state;

    offer_reads(world, 100);
    kick(world, 0);
}

static void test_no_ring(void **state _unused_)
{
    static const struct {
        int error;
        const char *why;
    } cases[] = {
        {EPERM, "it is forbidden here"}, {ENOSYS, "this kernel has none"}, {ENOMEM, "memory"}};

    for (unsigned i = 0; i < ELEMENTSOF(cases); i++) {
        struct capture capture = capture_start();
        kernel.no_ring = cases[i].error;
        struct world *world = world_new(world_image(), ",engine=auto", 2);
        _cleanup_free_ char *text = capture_end(&capture);
        assert_int_equal(count_lines(text), 1);
        assert_non_null(strstr(text, "Disk 'root' cannot have io_uring: "));
        assert_non_null(strstr(text, cases[i].why));
        assert_non_null(strstr(text, "falling back to one request at a time"));
        assert_string_equal(world->device->remark, "without io_uring");
        bring_up(world, 0);
        assert_int_equal(request_one(world, 1, VIRTIO_BLK_T_IN, 9, 512, true), VIRTIO_BLK_S_OK);

        struct virtio_device *device = NULL;
        const struct device_environment environment = {
            .memory = &world->memory, .take_fd = world_take_fd, .context = world};
        struct capture refusal = capture_start();
        assert_int_equal(
            disk_create("d,file=fd:disk,readonly,engine=io_uring", &environment, &device), -EBUSY);
        world_free(world);
        free(capture_end(&refusal));
    }
    kernel.no_ring = EPERM;
    struct world world = {.image = world_image()};
    struct virtio_device *device = NULL;
    const struct device_environment environment = {.take_fd = world_take_fd, .context = &world};
    struct capture capture = capture_start();
    assert_int_equal(disk_create("d,file=fd:disk,engine=io_uring", &environment, &device), -EPERM);
    _cleanup_free_ char *text = capture_end(&capture);
    assert_non_null(strstr(text, "engine=auto would do without"));
    (void)close(world.image);
    kernel.no_ring = 0;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_than_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_short_of_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end, setup, teardown),
        cmocka_unit_test(test_no_ring),
    };

    choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
