/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way out, and keys that look like it. */
#include "tools/escape.h"

#include "tests/unit/vmm/test.h"

static struct escape escape;
static char kept[64];
static bool leave;

static int setup(void **state _unused_)
{
    escape = (struct escape){0};
    return 0;
}

/* Types TEXT at NOW, in ms; what is passed on. */
static const char *type(uint64_t now, const char *text)
{
    size_t n = escape_filter(&escape, now, text, strlen(text), kept, &leave);

    assert_true(n < sizeof(kept));
    kept[n] = '\0';
    return kept;
}

static void test_three_in_a_second(void **state _unused_)
{
    assert_string_equal(type(5000, "\x1d"), "");
    assert_string_equal(type(5300, "\x1d"), "");
    assert_false(leave);
    assert_string_equal(type(5999, "\x1d"), "");
    assert_true(leave);
    assert_string_equal(type(7000, "a\x1d\x1d\x1d"), "a");
    assert_true(leave);
}

static void test_other_keys_release_them(void **state _unused_)
{
    assert_string_equal(type(1, "ls\r"), "ls\r");
    assert_string_equal(type(2, "\x1d\x1d"), "");
    assert_string_equal(type(3, "x"), "\x1d\x1dx");
    assert_string_equal(type(4, "\x1d"), "");
    assert_false(leave);
}

static void test_time_releases_them(void **state _unused_)
{
    assert_int_equal(escape_timeout(&escape, 100), -1);
    assert_string_equal(type(100, "\x1d\x1d"), "");
    assert_int_equal(escape_timeout(&escape, 600), 500);
    assert_int_equal(escape_expire(&escape, 1099), 0);
    assert_int_equal(escape_timeout(&escape, 1200), 0);
    assert_int_equal(escape_expire(&escape, 1100), 2);
    assert_int_equal(escape_expire(&escape, 1100), 0);
    assert_int_equal(escape_timeout(&escape, 1100), -1);

    assert_string_equal(type(2000, "\x1d\x1d"), "");
    assert_string_equal(type(3000, "\x1d"), "\x1d\x1d"); /* too late, and a first one again */
    assert_false(leave);
    assert_string_equal(type(3001, "\x1d\x1d"), "");
    assert_true(leave);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_three_in_a_second, setup),
        cmocka_unit_test_setup(test_other_keys_release_them, setup),
        cmocka_unit_test_setup(test_time_releases_them, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
