/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What --readiness= takes, and what it says of the rest. */
#include "test.h"
#include "vmm/readiness.h"

static void test_settings(void **state _unused_)
{
    static const struct {
        const char *text, *message;
    } refused[] = {
        {"", "neither vmm nor guest"},
        {"none", "neither vmm nor guest"},
        {"vmm,optional", "neither vmm nor guest"},
        {"guest", "listen=fd:NAME is missing"},
        {"guest,listen=fd:", "names no descriptor"},
        {"guest,listen=/run/x", "unknown setting"},
        {"guest,listen=fd:x,timeout=0", "timeout=0 is not from 1 to 86400"},
        {"guest,listen=fd:x,timeout=86401", "timeout=86401 is not"},
        {"guest,listen=fd:x,timeout=-1", "timeout=-1 is not"},
        {"guest,listen=fd:x,timeout=1s", "timeout=1s is not"},
        {"guest,listen=fd:x,", "unknown setting ''"},
    };
    struct readiness_settings settings;

    assert_int_equal(readiness_settings_parse("vmm", &settings), 0);
    assert_false(settings.guest);
    assert_int_equal(readiness_settings_parse("guest,listen=fd:notify", &settings), 0);
    assert_true(settings.guest && !settings.optional);
    assert_string_equal(settings.listen, "notify");
    assert_int_equal(settings.timeout_sec, 120);
    assert_int_equal(
        readiness_settings_parse("guest,optional,timeout=300,listen=fd:notify", &settings), 0);
    assert_true(settings.optional);
    assert_int_equal(settings.timeout_sec, 300);
    for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
        struct capture capture = capture_start();
        int r = readiness_settings_parse(refused[i].text, &settings);
        _cleanup_free_ char *text = capture_end(&capture);

        if (r != -EINVAL || !strstr(text, refused[i].message))
            fail_msg("'%s': %d, %s", refused[i].text, r, text);
        assert_int_equal(count_lines(text), 1);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
