/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-balloon: what goes back to the host and what does not, figures, faults. */
#include "vmm/devices/balloon.h"

#include <sys/stat.h>

#include "device-world.h"
#include "vmm/devices/balloon-device.h"

enum { PAGE = 4096, EVERY_QUEUE = 0x1f };

#define PLACE UINT64_C(0x800000) /* behind all rings */

static struct world *balloon_world(const char *argument)
{
    return world_new(balloon_create, argument, memfd_create("figures", MFD_CLOEXEC));
}

static uint64_t allocated(const struct world *world)
{
    struct stat st;

    assert_int_equal(fstat(world->memory.fd, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

static uint8_t *dirty(struct world *world, uint64_t gpa, uint64_t length)
{
    return memset(guest_memory_at(&world->memory, gpa, length), 0x5a, length);
}

static void inflate(struct world *world, const uint32_t *pfns, size_t n)
{
    memcpy(data_at(world, BALLOON_INFLATE), pfns, n * sizeof(*pfns));
    assert_int_equal(exchange_one(world, BALLOON_INFLATE, data_of(BALLOON_INFLATE),
                                  (uint32_t)(n * sizeof(*pfns)), false),
                     0);
}

static bool file_has(struct world *world, const char *text)
{
    char content[2048] = "";

    for (unsigned i = 0; i < 5000; i++) {
        ssize_t n = pread(world->file, content, sizeof(content) - 1, 0);

        content[n > 0 ? n : 0] = '\0';
        if (strstr(content, text))
            return true;
        (void)usleep(1000);
    }
    print_message("'%s' is not in:\n%s", text, content);
    return false;
}

static void test_features(void **state _unused_)
{
    static const struct {
        const char *argument;
        uint64_t has, lacks;
    } cases[] = {
        {"b",
         FEATURE(VIRTIO_BALLOON_F_STATS_VQ) | FEATURE(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) |
             FEATURE(VIRTIO_BALLOON_F_PAGE_POISON) | FEATURE(VIRTIO_BALLOON_F_REPORTING),
         FEATURE(VIRTIO_BALLOON_F_FREE_PAGE_HINT)},
        {"b,deflate-on-oom=no", FEATURE(VIRTIO_BALLOON_F_REPORTING),
         FEATURE(VIRTIO_BALLOON_F_DEFLATE_ON_OOM)},
        {"b,reporting=no", FEATURE(VIRTIO_BALLOON_F_DEFLATE_ON_OOM),
         FEATURE(VIRTIO_BALLOON_F_REPORTING)},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct world *world = balloon_world(cases[i].argument);

        assert_int_equal(world->device->state.offered & cases[i].has, cases[i].has);
        assert_int_equal(world->device->state.offered & cases[i].lacks, 0);
        world_free(world);
    }
}

static void test_inflate(void **state _unused_)
{
    struct world *world = balloon_world("b,size=8,file=fd:f");
    /* Up, down, alone, twice, and beyond all memory. */
    static const uint32_t pfns[] = {PLACE / PAGE,      PLACE / PAGE + 1,  PLACE / PAGE + 2,
                                    PLACE / PAGE + 12, PLACE / PAGE + 11, PLACE / PAGE + 10,
                                    PLACE / PAGE + 20, PLACE / PAGE + 20, 0x2000,
                                    0xfffff,           0x100000,          UINT32_MAX};

    bring_up(world, EVERY_QUEUE, 0);
    uint8_t *place = dirty(world, PLACE, 32 * PAGE);
    (void)dirty(world, data_of(BALLOON_INFLATE), PAGE);
    uint64_t before = allocated(world);
    inflate(world, pfns, ELEMENTSOF(pfns));
    assert_int_equal(allocated(world), before - 7 * PAGE);
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(place[i * PAGE], i <= 2 || (i >= 10 && i <= 12) || i == 20 ? 0 : 0x5a);
    assert_int_equal(place[3 * PAGE], 0x5a);
    assert_true(file_has(world, "returned_kib=32\n")); /* one page counts twice */
    world_free(world);
}

/* More than a request may have, and one whose numbers are cut. */
static void test_long_lists(void **state _unused_)
{
    struct world *world = balloon_world("b");
    struct driver *driver = &world->queues[BALLOON_INFLATE];
    uint32_t *pfns;

    bring_up(world, EVERY_QUEUE, 0);
    uint8_t *place = dirty(world, PLACE, 2 * PAGE);
    pfns = data_at(world, BALLOON_INFLATE);
    for (unsigned i = 0; i <= BALLOON_PFNS_MAX; i++)
        pfns[i] = UINT32_MAX;
    pfns[BALLOON_PFNS_MAX - 1] = PLACE / PAGE;
    pfns[BALLOON_PFNS_MAX] = PLACE / PAGE + 1;
    (void)exchange_one(world, BALLOON_INFLATE, data_of(BALLOON_INFLATE), (BALLOON_PFNS_MAX + 1) * 4,
                       false);
    assert_int_equal(place[0], 0);
    assert_int_equal(place[PAGE], 0x5a);

    pfns[0] = PLACE / PAGE + 1;
    driver_describe(driver, 0, data_of(BALLOON_INFLATE), 3, VRING_DESC_F_NEXT, 1);
    driver_describe(driver, 1, data_of(BALLOON_INFLATE) + 3, 3, 0, 0);
    driver_offer(driver, 0);
    kick(world, BALLOON_INFLATE);
    assert_true(wait_used(driver, 2));
    assert_int_equal(place[PAGE], 0);
    world_free(world);
}

static void test_deflate(void **state _unused_)
{
    struct world *world = balloon_world("b");
    uint32_t pfn = PLACE / PAGE;

    bring_up(world, EVERY_QUEUE, 0);
    uint8_t *place = dirty(world, PLACE, PAGE);
    memcpy(data_at(world, BALLOON_DEFLATE), &pfn, sizeof(pfn));
    assert_int_equal(exchange_one(world, BALLOON_DEFLATE, data_of(BALLOON_DEFLATE), 4, false), 0);
    assert_int_equal(place[0], 0x5a);
    world_free(world);
}

/* By the queue that Linux takes for it, and by the one of the specification. */
static void test_report(void **state _unused_)
{
    static const unsigned queues[] = {BALLOON_REPORTING, BALLOON_REPORTING_AS_SPECIFIED};
    struct world *world = balloon_world("b");

    for (size_t i = 0; i < ELEMENTSOF(queues); i++) {
        bring_up(world, 7 | 1u << queues[i], 0);
        uint8_t *place = dirty(world, PLACE, 16 * PAGE);
        uint64_t before = allocated(world);
        assert_int_equal(exchange_one(world, queues[i], PLACE + 100, 9 * PAGE, true), 0);
        assert_int_equal(allocated(world), before - 8 * PAGE);
        assert_int_equal(place[PAGE - 1], 0x5a);
        assert_int_equal(place[PAGE], 0);
        assert_int_equal(place[9 * PAGE - 1], 0);
        assert_int_equal(place[9 * PAGE], 0x5a);
        reset(world);
    }
    world_free(world);
}

/* Free pages that are to keep what is in them. */
static void test_poison(void **state _unused_)
{
    static const uint32_t poisons[] = {0xaaaaaaaa, 0};
    struct world *world = balloon_world("b");

    for (unsigned i = 0; i < 3; i++) {
        uint64_t not = i == 2 ? FEATURE(VIRTIO_BALLOON_F_PAGE_POISON) : 0;

        bring_up(world, EVERY_QUEUE, not );
        pthread_mutex_lock(&world->device->mutex);
        world->device->type->write_config(world->device, 12, &poisons[i % 2], 4);
        pthread_mutex_unlock(&world->device->mutex);
        uint8_t *place = dirty(world, PLACE, PAGE);
        (void)exchange_one(world, BALLOON_REPORTING, PLACE, PAGE, true);
        assert_int_equal(place[0], i == 0 ? 0x5a : 0);
        reset(world);
    }
    world_free(world);
}

static void test_configuration(void **state _unused_)
{
    struct world *world = balloon_world("b,size=8,file=fd:f");
    const struct virtio_type *type = world->device->type;
    struct virtio_balloon_config config;
    uint32_t value = 0x12345678;

    bring_up(world, EVERY_QUEUE, 0);
    type->read_config(world->device, 0, &config, sizeof(config));
    assert_int_equal(config.num_pages, 8 * 256);
    assert_int_equal(config.actual, 0);
    pthread_mutex_lock(&world->device->mutex);
    for (uint32_t offset = 0; offset < 64; offset++)
        if (offset != 4 && offset != 12)
            for (unsigned length = 1; length <= 4; length *= 2)
                type->write_config(world->device, offset, &value, length);
    type->write_config(world->device, 4, &value, 2);
    pthread_mutex_unlock(&world->device->mutex);
    type->read_config(world->device, 0, &config, sizeof(config));
    assert_int_equal(config.num_pages, 8 * 256);
    assert_int_equal(config.actual, 0);
    assert_int_equal(config.poison_val, 0);
    assert_true(file_has(world, "size_mib=8\nactual_mib=0\n"));
    value = 5 * 256;
    pthread_mutex_lock(&world->device->mutex);
    type->write_config(world->device, 4, &value, 4);
    pthread_mutex_unlock(&world->device->mutex);
    assert_true(file_has(world, "size_mib=8\nactual_mib=5\n"));
    /* A driver that lies is not believed beyond reason. */
    value = UINT32_MAX;
    pthread_mutex_lock(&world->device->mutex);
    type->write_config(world->device, 4, &value, 4);
    pthread_mutex_unlock(&world->device->mutex);
    assert_true(file_has(world, "size_mib=8\nactual_mib=32\n"));
    reset(world);
    assert_true(file_has(world, "size_mib=8\nactual_mib=0\n"));
    world_free(world);
}

static void put_stat(uint8_t *p, uint16_t tag, uint64_t value)
{
    const struct virtio_balloon_stat stat = {.tag = tag, .val = value};

    memcpy(p, &stat, sizeof(stat));
}

static void test_statistics(void **state _unused_)
{
    struct world *world = balloon_world("b,size=4,statistics=1,file=fd:f");
    struct driver *driver = &world->queues[BALLOON_STATISTICS];
    struct stat st;
    char described[256];

    bring_up(world, EVERY_QUEUE, FEATURE(VIRTIO_RING_F_EVENT_IDX));
    uint8_t *data = data_at(world, BALLOON_STATISTICS);
    for (unsigned round = 0; round < 2; round++) {
        put_stat(data, VIRTIO_BALLOON_S_MEMFREE, (300 + round) * MIB + 5);
        put_stat(data + 10, VIRTIO_BALLOON_S_MEMTOT, UINT64_MAX);
        put_stat(data + 20, 999, 1);
        put_stat(data + 30, VIRTIO_BALLOON_S_MAJFLT, 7);
        driver_describe(driver, 0, data_of(BALLOON_STATISTICS), 10, VRING_DESC_F_NEXT, 1);
        driver_describe(driver, 1, data_of(BALLOON_STATISTICS) + 10, 35, 0, 0);
        driver_offer(driver, 0);
        kick(world, BALLOON_STATISTICS);
        /* It stays with the device until new figures are asked for. */
        assert_true(wait_used(driver, (uint16_t)(round + 1)));
        assert_true(wait_count(&world->signals[BALLOON_STATISTICS], round + 1));
        assert_true(
            file_has(world, round == 0 ? "guest_free_kib=307200\n" : "guest_free_kib=308224\n"));
    }
    assert_true(file_has(world, "guest_total_kib=18014398509481983\n"));
    assert_true(file_has(world, "guest_major_faults=7\n"));
    assert_int_equal(fstat(world->file, &st), 0);
    assert_in_range(st.st_size, 100, 200);
    /* What is shorter has empty lines behind it, and not the rest of what was there. */
    put_stat(data, VIRTIO_BALLOON_S_MEMFREE, MIB);
    put_stat(data + 10, VIRTIO_BALLOON_S_MEMTOT, MIB);
    driver_offer(driver, 0);
    kick(world, BALLOON_STATISTICS);
    assert_true(file_has(world, "guest_total_kib=1024\nguest_free_kib=1024\n"
                                "guest_major_faults=7\n\n\n\n\n"));
    off_t before = st.st_size;
    assert_int_equal(fstat(world->file, &st), 0);
    assert_int_equal(st.st_size, before);
    pthread_mutex_lock(&world->device->mutex);
    assert_string_equal(world->device->news, "balloon 0 of 4 MiB, guest free 1 MiB");
    pthread_mutex_unlock(&world->device->mutex);
    world->device->type->describe(world->device, described, sizeof(described));
    assert_string_equal(described, "size_mib=4 actual_mib=0 returned_kib=0 guest_free_kib=1024");
    world_free(world);
}

/* A driver that offers several: all but the newest go back at once. */
static void test_many_statistics(void **state _unused_)
{
    struct world *world = balloon_world("b");
    struct driver *driver = &world->queues[BALLOON_STATISTICS];

    bring_up(world, EVERY_QUEUE, 0);
    for (uint16_t i = 0; i < BALLOON_QUEUE_SIZE; i++) {
        driver_describe(driver, i, data_of(BALLOON_STATISTICS), 0x20000, 0, 0);
        driver_offer(driver, i);
    }
    kick(world, BALLOON_STATISTICS);
    assert_true(wait_used(driver, BALLOON_QUEUE_SIZE - 1));
    reset(world);
    bring_up(world, EVERY_QUEUE, 0);
    driver_offer(driver, 0);
    kick(world, BALLOON_STATISTICS);
    (void)usleep(10000);
    assert_int_equal(driver->used->idx, 0);
    world_free(world);
}

static void test_broken(void **state _unused_)
{
    struct world *world = balloon_world("b");
    struct capture capture = capture_start();

    for (unsigned i = 0; i < BALLOON_QUEUES; i++) {
        bring_up(world, EVERY_QUEUE, 0);
        driver_describe(&world->queues[i], 0, data_of(i), 64,
                        i < BALLOON_REPORTING ? VRING_DESC_F_WRITE : 0, 0);
        driver_offer(&world->queues[i], 0);
        kick(world, i);
        assert_true(wait_status(world, VIRTIO_CONFIG_S_NEEDS_RESET));
        reset(world);
    }
    for (unsigned i = 0; i < 2; i++) {
        bring_up(world, 1u << i, 0);
        assert_true(wait_status(world, VIRTIO_CONFIG_S_NEEDS_RESET));
        reset(world);
    }
    _cleanup_free_ char *text = capture_end(&capture);
    assert_int_equal(count_lines(text), 1);
    assert_non_null(strstr(text, "a request to the balloon is broken"));
    bring_up(world, 3, 0); /* the least that there can be */
    uint32_t pfn = PLACE / PAGE;
    inflate(world, &pfn, 1);
    world_free(world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features),        cmocka_unit_test(test_inflate),
        cmocka_unit_test(test_long_lists),      cmocka_unit_test(test_deflate),
        cmocka_unit_test(test_report),          cmocka_unit_test(test_poison),
        cmocka_unit_test(test_configuration),   cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_many_statistics), cmocka_unit_test(test_broken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
