// SPDX-License-Identifier: LGPL-2.1-or-later
/* The one line that systemd shows: valid text of bounded length, with the cause at its end. */
#include "generator/helper-log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_short_text_stays(void **state _unused_)
{
    char text[] = "kernel: cannot use /k\xc3\xa4se: No such file or directory";
    char copy[sizeof(text)];

    memcpy(copy, text, sizeof(text));
    helper_shorten(text, 100);
    assert_string_equal(text, copy);
}

static void test_middle_is_cut(void **state _unused_)
{
    char text[600];

    for (size_t i = 0; i < 10; i++) { /* wherever the cuts fall, no letter is cut in two */
        memset(text, 'x', i);
        for (size_t at = i; at + 2 < 500; at += 2)
            memcpy(text + at, "\xc3\xa4", 3);
        strcat(text, ": No such file");
        helper_shorten(text, 100);
        assert_true(strlen(text) <= 100);
        assert_non_null(strstr(text, "..."));
        assert_string_equal(text + strlen(text) - 14, ": No such file");
        for (const char *p = text + i; *p; p++)
            if ((unsigned char)*p == 0xc3)
                assert_int_equal((unsigned char)*++p, 0xa4);
            else
                assert_true((unsigned char)*p < 0x80);
    }
}

static void test_invalid_bytes(void **state _unused_)
{
    char text[] = "a\xff\xc3\xa4\xc3z\xe2\x82";

    helper_shorten(text, 100);
    assert_string_equal(text, "a?\xc3\xa4?z??");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_text_stays),
        cmocka_unit_test(test_middle_is_cut),
        cmocka_unit_test(test_invalid_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
