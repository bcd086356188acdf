/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The status line. */
#include "tests/unit/vmm/test.h"

#include "vmm/status.h"

static void parts_are_composed(void **state)
{
    struct status status = {0};
    char line[STATUS_SIZE];

    (void)state;
    status_compose(&status, line, sizeof(line));
    assert_string_equal(line, "");
    assert_true(status_set(&status, STATUS_STATE, "Running"));
    assert_false(status_set(&status, STATUS_STATE, "%s", "Running"));
    assert_true(status_set(&status, STATUS_GUEST, "guest: %s", "up"));
    assert_true(status_set(&status, STATUS_BOOT, "init ran after %d ms", 7));
    status_compose(&status, line, sizeof(line));
    assert_string_equal(line, "Running; init ran after 7 ms; guest: up");
    assert_true(status_set(&status, STATUS_BOOT, "%s", ""));
    status_compose(&status, line, sizeof(line));
    assert_string_equal(line, "Running; guest: up");
    /* A part that has no room is left out as a whole. */
    status_compose(&status, line, sizeof("Running; guest: up") - 1);
    assert_string_equal(line, "Running");
}

static void foreign_bytes_become_text(void **state)
{
    static const struct {
        const char *given, *kept;
    } rows[] = {
        {"a\nREADY=1", "a?READY=1"},
        {"\x1b[31m", "?[31m"},
        {"grün → ok 😀", "grün → ok 😀"},
        {"\xff\xc3", "??"},
        {"\xc0\x80", "??"},
        {"\xe2\x86", "??"},
        {"\xed\xa0\x80", "???"},
        {"\xc2\x9b", "??"},
        {"\xf4\x90\x80\x80", "????"},
        {"\x7f", "?"},
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        struct status status = {0};

        (void)status_set(&status, STATUS_GUEST, "%s", rows[i].given);
        assert_string_equal(status.parts[STATUS_GUEST], rows[i].kept);
    }
}

static void long_parts_are_cut(void **state)
{
    struct status status = {0};
    char text[1000], line[STATUS_SIZE];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    /* The cut falls into the two bytes of the last character. */
    memcpy(text + STATUS_PART_SIZE - 2, "\xc3\xbc", 2);
    (void)status_set(&status, STATUS_GUEST, "%s", text);
    assert_int_equal(strlen(status.parts[STATUS_GUEST]), STATUS_PART_SIZE - 1);
    assert_int_equal(status.parts[STATUS_GUEST][STATUS_PART_SIZE - 2], '?');
    status_compose(&status, line, sizeof(line));
    assert_int_equal(strlen(line), STATUS_PART_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_composed),
        cmocka_unit_test(foreign_bytes_become_text),
        cmocka_unit_test(long_parts_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
