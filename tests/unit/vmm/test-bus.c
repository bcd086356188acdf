/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bus dispatch: who gets an access, and what nobody gets. */
#include "vmm/bus/bus.h"

#include "test.h"

struct recorder {
    unsigned reads, writes, length;
    uint64_t offset, value;
};

static void record_read(void *context, uint64_t offset, void *ret_data, unsigned length)
{
    struct recorder *recorder = context;

    recorder->reads++;
    recorder->offset = offset;
    recorder->length = length;
    bus_put(ret_data, length, recorder->value);
}

static void record_write(void *context, uint64_t offset, const void *data, unsigned length)
{
    struct recorder *recorder = context;

    recorder->writes++;
    recorder->offset = offset;
    recorder->length = length;
    recorder->value = bus_get(data, length);
}

static const struct bus_ops record = {.read = record_read, .write = record_write};

static void test_dispatch(void **state _unused_)
{
    struct recorder low = {.value = 0x1122334455667788}, high = {.value = 0xaa};
    struct bus bus = {0};
    uint64_t data = 0;

    assert_int_equal(bus_add(&bus, 0x1000, 0x100, &record, &low), 0);
    assert_int_equal(bus_add(&bus, 0x1100, 0x100, &record, &high), 0);
    bus_read(&bus, 0x10f8, &data, 8);
    assert_true(data == low.value);
    assert_int_equal(low.offset, 0xf8);
    bus_read(&bus, 0x1100, &data, 1);
    assert_int_equal(high.offset, 0);
    assert_int_equal(high.length, 1);
    bus_write(&bus, 0x11ff, "x", 1);
    assert_int_equal(high.offset, 0xff);
    assert_int_equal(high.value, 'x');
}

/* An access that is not wholly inside one range belongs to nobody. */
static void test_unclaimed(void **state _unused_)
{
    static const struct {
        uint64_t address;
        unsigned length;
    } cases[] = {
        {0xfff, 1},  {0xfff, 2}, {0x10ff, 2},     {0x10fc, 8},
        {0x1100, 1}, {0, 8},     {UINT64_MAX, 1}, {UINT64_MAX - 3, 8},
    };
    struct recorder recorder = {0};
    struct bus bus = {0};

    assert_int_equal(bus_add(&bus, 0x1000, 0x100, &record, &recorder), 0);
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        uint8_t data[8] = {0};

        bus_read(&bus, cases[i].address, data, cases[i].length);
        for (unsigned k = 0; k < 8; k++)
            assert_int_equal(data[k], k < cases[i].length ? 0xff : 0);
        bus_write(&bus, cases[i].address, data, cases[i].length);
    }
    assert_int_equal(recorder.reads + recorder.writes, 0);
}

static void test_missing_operations(void **state _unused_)
{
    static const struct bus_ops none = {0};
    struct bus bus = {0};
    uint16_t data = 0;

    assert_int_equal(bus_add(&bus, 0, 8, &none, NULL), 0);
    bus_read(&bus, 2, &data, 2);
    assert_int_equal(data, 0xffff);
    bus_write(&bus, 2, &data, 2);
}

static void test_overlap_and_room(void **state _unused_)
{
    struct bus bus = {0};

    assert_int_equal(bus_add(&bus, 0x1000, 0x100, &record, NULL), 0);
    assert_int_equal(bus_add(&bus, 0x1000, 0x100, &record, NULL), -EEXIST);
    assert_int_equal(bus_add(&bus, 0xfff, 2, &record, NULL), -EEXIST);
    assert_int_equal(bus_add(&bus, 0x10ff, 1, &record, NULL), -EEXIST);
    assert_int_equal(bus_add(&bus, 0, 0x10000, &record, NULL), -EEXIST);
    assert_int_equal(bus_add(&bus, 0xfff, 1, &record, NULL), 0);
    for (unsigned i = 2; i < BUS_RANGES_MAX; i++)
        assert_int_equal(bus_add(&bus, 0x10000 * i, 1, &record, NULL), 0);
    assert_int_equal(bus_add(&bus, 0, 1, &record, NULL), -ENOSPC);
}

static void test_numbers(void **state _unused_)
{
    uint8_t data[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

    assert_true(bus_get(data, 1) == 1);
    assert_true(bus_get(data, 2) == 0x0201);
    assert_true(bus_get(data, 4) == 0x04030201);
    assert_true(bus_get(data, 8) == 0x0807060504030201);
    assert_true(bus_get(data, 10) == 0x0807060504030201);
    bus_put(data, 2, 0xabcd1234);
    assert_int_equal(data[0], 0x34);
    assert_int_equal(data[1], 0x12);
    assert_int_equal(data[2], 3);
    bus_put(data, 10, UINT64_MAX);
    assert_int_equal(data[7], 0xff);
    assert_int_equal(data[8], 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dispatch),
        cmocka_unit_test(test_unclaimed),
        cmocka_unit_test(test_missing_operations),
        cmocka_unit_test(test_overlap_and_room),
        cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
