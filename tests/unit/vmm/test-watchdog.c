/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When systemd is told that the VM is alive, and what is said of missing time. */
#include "vmm/watchdog.h"

#include "test.h"
#include "vmm/clock.h"

#define SECONDS CLOCK_NS_PER_SEC

static void test_intervals(void **state _unused_)
{
    struct watchdog watchdog;

    watchdog_init(&watchdog, 30000000);
    assert_int_equal(watchdog.interval_ns, 15 * SECONDS);
    watchdog_init(&watchdog, 2);
    assert_int_equal(watchdog.interval_ns, 1000);
    watchdog_init(&watchdog, 0);
    assert_int_equal(watchdog.interval_ns, 15 * SECONDS);
}

static void test_hang(void **state _unused_)
{
    struct capture capture = capture_start();
    struct watchdog watchdog;

    watchdog_init(&watchdog, 30000000);
    assert_true(watchdog_look(&watchdog, 100 * SECONDS, 4));
    assert_true(watchdog_look(&watchdog, 115 * SECONDS, 1)); /* one is enough */
    assert_false(watchdog_look(&watchdog, 130 * SECONDS, 0));
    assert_false(watchdog_look(&watchdog, 145 * SECONDS, 0));
    assert_true(watchdog_look(&watchdog, 160 * SECONDS, 2));
    _cleanup_free_ char *text = capture_end(&capture);
    assert_string_equal(text, "No virtual CPU gets ahead; systemd's watchdog will end the VM\n"
                              "The virtual CPUs go on\n");
}

static void test_late(void **state _unused_)
{
    struct capture capture = capture_start();
    struct watchdog watchdog;

    watchdog_init(&watchdog, 30000000);
    assert_true(
        watchdog_look(&watchdog, 5 * SECONDS, 1)); /* late after the start: of no interest */
    assert_true(watchdog_look(&watchdog, 25 * SECONDS, 1));
    assert_true(watchdog_look(&watchdog, 140 * SECONDS, 1));
    assert_true(watchdog_look(&watchdog, 141 * SECONDS, 1)); /* the next one comes early */
    _cleanup_free_ char *text = capture_end(&capture);
    assert_int_equal(count_lines(text), 1);
    assert_non_null(strstr(text, "stood still for 100 s or more"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_hang),
        cmocka_unit_test(test_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
