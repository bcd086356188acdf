/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk that changes while its driver uses it: size and rates. */
#include "disk-world.h"
#include "vmm/clock.h"
#include "vmm/virtio/reply.h"

static int setup(void **state)
{
    *state = world_new(world_image(), "", 2);
    bring_up(*state, 0);
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

struct reconfiguration {
    struct world *world;
    const char *options; /* after those of world_new() */
    int r;
    char reply[REPLY_SIZE];
};

static void reconfigure_there(void *argument)
{
    struct reconfiguration *it = argument;
    struct virtio_device *device = it->world->device;
    char text[128];

    (void)snprintf(text, sizeof(text), "root,file=fd:disk,queues=2,engine=%s%s", engine,
                   it->options);
    it->reply[0] = '\0';
    it->r = device->type->reconfigure(device, text, it->reply, sizeof(it->reply));
}

static void reconfigure(struct reconfiguration *it, const char *options)
{
    it->options = options;
    worker_call(&it->world->device->worker, reconfigure_there, it);
}

static uint64_t capacity(struct world *world)
{
    uint64_t sectors = 0;

    pthread_mutex_lock(&world->device->mutex);
    world->device->type->read_config(world->device, 0, &sectors, sizeof(sectors));
    pthread_mutex_unlock(&world->device->mutex);
    return sectors;
}

static void test_growth(void **state)
{
    struct world *world = *state;
    struct reconfiguration it = {.world = world};
    uint8_t generation = world->device->state.config_generation;

    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_OUT, IMAGE_SECTORS, 512, false),
                     VIRTIO_BLK_S_IOERR);
    assert_int_equal(ftruncate(world->image, 2 * IMAGE_SIZE + 100), 0);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_OUT, IMAGE_SECTORS, 512, false),
                     VIRTIO_BLK_S_IOERR);
    reconfigure(&it, "");
    assert_int_equal(it.r, 0);
    assert_string_equal(it.reply, "size: 1048576 → 2097152 bytes\n");
    assert_int_equal(capacity(world), 2 * IMAGE_SECTORS);
    assert_int_equal(world->config_signals, 1);
    assert_true(world->device->state.config_generation != generation);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(request_one(world, i, VIRTIO_BLK_T_OUT, 2 * IMAGE_SECTORS - 1, 512, false),
                         VIRTIO_BLK_S_OK);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_OUT, 2 * IMAGE_SECTORS, 512, false),
                     VIRTIO_BLK_S_IOERR);
    reconfigure(&it, "");
    assert_string_equal(it.reply, "");
    assert_int_equal(world->config_signals, 1);
}

static void test_no_shrinking(void **state)
{
    struct world *world = *state;
    struct reconfiguration it = {.world = world};

    assert_int_equal(ftruncate(world->image, IMAGE_SIZE / 2), 0);
    reconfigure(&it, "");
    assert_int_equal(it.r, 0);
    assert_non_null(strstr(it.reply, "size: 1048576 → 524288 bytes is refused"));
    assert_int_equal(capacity(world), IMAGE_SECTORS);
    assert_int_equal(world->config_signals, 0);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_IN, 8, 512, true), VIRTIO_BLK_S_OK);
}

static void test_replies(void **state)
{
    struct world *world = *state;
    struct reconfiguration it = {.world = world};
    char text[128];

    reconfigure(&it, ",iops=100,mbps=5");
    assert_string_equal(it.reply, "iops: none → 100\nmbps: none → 5\n");
    world->device->type->describe(world->device, text, sizeof(text));
    assert_non_null(strstr(text, "bytes=1048576 engine="));
    assert_non_null(strstr(text, engine));
    assert_non_null(strstr(text, " iops=100 mbps=5"));
    reconfigure(&it, ",iops=200,mbps=5,cache=none");
    assert_string_equal(it.reply,
                        "iops: 100 → 200\ncache: - → none takes effect at the next start\n");
    reconfigure(&it, "");
    assert_string_equal(it.reply, "iops: 200 → none\nmbps: 5 → none\n");
    struct capture capture = capture_start();
    reconfigure(&it, ",iops=fast");
    free(capture_end(&capture));
    assert_int_equal(it.r, -EINVAL);
    assert_non_null(strstr(it.reply, "is no disk's setting"));
}

/* N requests on both queues take so long, at least. */
static uint64_t take_time(struct world *world, unsigned n, uint32_t length)
{
    uint64_t begin_ns = clock_now_ns();

    for (unsigned i = 0; i < n; i++)
        assert_int_equal(request_one(world, i % 2, VIRTIO_BLK_T_IN, 0, length, true),
                         VIRTIO_BLK_S_OK);
    return (clock_now_ns() - begin_ns) / 1000000;
}

static void test_limits(void **state)
{
    struct world *world = *state;
    struct reconfiguration it = {.world = world};

    reconfigure(&it, ",iops=100");
    uint64_t ms = take_time(world, 40, 512);
    assert_true(ms >= 280 && ms < 20000); /* ten of them were saved up */
    reconfigure(&it, ",mbps=1");
    ms = take_time(world, 5, 65536);
    assert_true(ms >= 150 && ms < 20000);
    reconfigure(&it, "");
    (void)take_time(world, 200, 65536);
}

/* Waiting for its turn, a request neither holds up a reset nor is begun after it. */
static void test_reset_while_limited(void **state)
{
    struct world *world = *state;
    struct reconfiguration it = {.world = world};
    const struct piece piece = {data_of(0), 512, true};

    reconfigure(&it, ",iops=1");
    offer(world, 0, VIRTIO_BLK_T_IN, 5, &piece, 1);
    offer_again(&world->queues[0], 0, 8);
    offer_again(&world->queues[0], 0, 9);
    kick(world, 0);
    assert_true(wait_used(&world->queues[0], 1));
    set_status(world, 0);
    assert_true(wait_status(world, 0));
    uint16_t used = world->queues[0].used->idx;
    assert_true(used < 3);
    (void)usleep(1200000);
    assert_int_equal(world->queues[0].used->idx, used);
    bring_up(world, 0);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_IN, 8, 512, true), VIRTIO_BLK_S_OK);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_growth, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_shrinking, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset_while_limited, setup, teardown),
    };

    choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
