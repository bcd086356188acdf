/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest's service manager says of itself, right and wrong. */
#include "vmm/guest-word.h"

#include "test.h"

static struct guest_word parse(const char *text)
{
    struct guest_word word;

    guest_word_parse(text, strlen(text), &word);
    return word;
}

static void test_systemd(void **state _unused_)
{
    struct guest_word word = parse("READY=1\nSTATUS=Startup finished in 5s.");

    assert_true(word.ready && word.has_status);
    assert_string_equal(word.status, "Startup finished in 5s.");
    assert_false(word.has_exit);
    assert_int_equal(word.shutdown, GUEST_SHUTDOWN_NONE);

    word = parse("EXIT_STATUS=7\nX_SYSTEMD_SHUTDOWN=poweroff\n");
    assert_false(word.ready || word.has_status);
    assert_true(word.has_exit);
    assert_int_equal(word.exit_status, 7);
    assert_int_equal(word.shutdown, GUEST_SHUTDOWN_POWEROFF);

    word = parse("X_SYSTEMD_UNIT_ACTIVE=multi-user.target");
    assert_string_equal(word.active, "multi-user.target");
}

static void test_shutdowns(void **state _unused_)
{
    assert_int_equal(parse("X_SYSTEMD_SHUTDOWN=reboot").shutdown, GUEST_SHUTDOWN_REBOOT);
    assert_int_equal(parse("X_SYSTEMD_SHUTDOWN=halt").shutdown, GUEST_SHUTDOWN_HALT);
    assert_int_equal(parse("X_SYSTEMD_SHUTDOWN=kexec").shutdown, GUEST_SHUTDOWN_KEXEC);
    assert_int_equal(parse("X_SYSTEMD_SHUTDOWN=exit").shutdown, GUEST_SHUTDOWN_POWEROFF);
    assert_int_equal(parse("X_SYSTEMD_SHUTDOWN=poweroffx").shutdown, GUEST_SHUTDOWN_NONE);
    assert_int_equal(parse("X_SYSTEMD_SHUTDOWN=").shutdown, GUEST_SHUTDOWN_NONE);
    for (enum guest_shutdown i = 0; i < GUEST_SHUTDOWNS; i++)
        assert_non_null(guest_shutdown_text(i));
}

static void test_nonsense_counts_for_nothing(void **state _unused_)
{
    static const char *const texts[] = {
        "",
        "\n\n\n",
        "READY",
        "READY=",
        "READY=0",
        "READY=11",
        "READY= 1",
        " READY=1",
        "ready=1",
        "XREADY=1",
        "EXIT_STATUS=",
        "EXIT_STATUS=256",
        "EXIT_STATUS=-1",
        "EXIT_STATUS=1x",
        "EXIT_STATUS=0000",
        "X_SYSTEMD_UNIT_ACTIVE=",
        "X_SYSTEMD_UNIT_ACTIVE=a b.target",
        "X_SYSTEMD_UNIT_ACTIVE=\033[31m",
        "WATCHDOG=1",
        "FDSTORE=1",
        "MAINPID=1",
    };

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        struct guest_word word = parse(texts[i]);

        if (word.ready || word.has_exit || word.has_status || word.shutdown || word.active[0])
            fail_msg("'%s' means something", texts[i]);
    }
}

static void test_one_wrong_line_leaves_the_others(void **state _unused_)
{
    struct guest_word word =
        parse("nonsense\nEXIT_STATUS=999\nREADY=1\nREADY=0\nSTATUS=a\nSTATUS=b");

    assert_true(word.ready);
    assert_false(word.has_exit);
    assert_string_equal(word.status, "b");
}

static void test_limits(void **state _unused_)
{
    char text[4096];
    struct guest_word word;

    memset(text, 'x', sizeof(text));
    memcpy(text, "STATUS=", 7);
    guest_word_parse(text, sizeof(text), &word);
    assert_int_equal(strlen(word.status), GUEST_WORD_STATUS_SIZE - 1);

    /* After so many lines nobody listens. */
    memset(text, '\n', sizeof(text));
    memcpy(text + GUEST_WORD_LINES_MAX - 1, "READY=1", 7);
    guest_word_parse(text, sizeof(text), &word);
    assert_true(word.ready);
    memset(text, '\n', sizeof(text));
    memcpy(text + GUEST_WORD_LINES_MAX, "READY=1", 7);
    guest_word_parse(text, sizeof(text), &word);
    assert_false(word.ready);

    /* Bytes that are no text; and not a byte beyond the end is looked at. */
    guest_word_parse("STATUS=a\0b", 10, &word);
    assert_string_equal(word.status, "a");
    guest_word_parse("READY=1", 6, &word);
    assert_false(word.ready);
    guest_word_parse("READY=1\0", 8, &word);
    assert_false(word.ready);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_systemd),
        cmocka_unit_test(test_shutdowns),
        cmocka_unit_test(test_nonsense_counts_for_nothing),
        cmocka_unit_test(test_one_wrong_line_leaves_the_others),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
