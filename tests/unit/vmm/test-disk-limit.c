/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rates: what is let through in how much time, on a clock that the test moves. */
#include "test.h"
#include "vmm/clock.h"
#include "vmm/devices/disk-limit.h"

#define MS (CLOCK_NS_PER_SEC / 1000)

/* How many requests of BYTES begin in SECONDS, by somebody who looks every 5 ms. */
static unsigned count(struct disk_limit *limit, uint64_t *now_ns, unsigned seconds, uint64_t bytes)
{
    unsigned n = 0;

    for (uint64_t end = *now_ns + seconds * CLOCK_NS_PER_SEC; *now_ns < end; *now_ns += 5 * MS)
        while (disk_limit_is_open(limit, *now_ns) && n < 10000000) {
            disk_limit_charge(limit, 1, 0, *now_ns);
            disk_limit_charge(limit, 0, bytes, *now_ns);
            n++;
        }
    return n;
}

static void check_rate(uint32_t iops, uint32_t mbps, uint64_t bytes, unsigned wanted)
{
    struct disk_limit limit;
    uint64_t now_ns = 12345 * CLOCK_NS_PER_SEC;

    disk_limit_init(&limit);
    disk_limit_set(&limit, iops, mbps);
    unsigned n = count(&limit, &now_ns, 10, bytes);
    /* One part in a hundred is what is saved up before the first one. */
    if (n < wanted || n > wanted + wanted / 80 + 2)
        fail_msg("%u a second, %u MB/s, each %u: %u in 10 s, not %u", iops, mbps, (unsigned)bytes,
                 n, wanted);
    now_ns += 1000 * CLOCK_NS_PER_SEC; /* long idleness saves up no more */
    n = count(&limit, &now_ns, 10, bytes);
    assert_true(n >= wanted && n <= wanted + wanted / 80 + 2);
    disk_limit_done(&limit);
}

static void test_rates(void **state _unused_)
{
    check_rate(1, 0, 1 << 20, 10);
    check_rate(100, 0, 0, 1000);
    check_rate(100000, 0, 512, 1000000);
    check_rate(0, 1, 4096, 2441);
    check_rate(0, 200, 1 << 20, 1907);
    check_rate(0, 1, 100000000, 1); /* one is let through, and paid for afterwards */
    check_rate(50, 200, 4096, 500);
    check_rate(5000, 1, 100000, 100);
}

static void test_none(void **state _unused_)
{
    struct disk_limit limit;
    uint32_t iops, mbps;

    disk_limit_init(&limit);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(disk_limit_is_open(&limit, 1));
        disk_limit_charge(&limit, 1, UINT32_MAX, 1);
    }
    disk_limit_set(&limit, 7, 8);
    disk_limit_get(&limit, &iops, &mbps);
    assert_int_equal(iops, 7);
    assert_int_equal(mbps, 8);
    disk_limit_done(&limit);
}

/* A new rate begins anew: what was owed under the old one does not hold it up. */
static void test_change(void **state _unused_)
{
    struct disk_limit limit;
    uint64_t now_ns = CLOCK_NS_PER_SEC;

    disk_limit_init(&limit);
    disk_limit_set(&limit, 1, 1);
    disk_limit_charge(&limit, 1, 1000000000, now_ns);
    assert_false(disk_limit_is_open(&limit, now_ns + 100 * CLOCK_NS_PER_SEC));
    disk_limit_set(&limit, 1000, 1000);
    assert_true(disk_limit_is_open(&limit, now_ns));
    disk_limit_charge(&limit, 1000, 0, now_ns);
    assert_false(disk_limit_is_open(&limit, now_ns));
    disk_limit_set(&limit, 0, 0);
    assert_true(disk_limit_is_open(&limit, now_ns));
    disk_limit_done(&limit);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
