/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text from outside cannot leave its place in a unit file. */
#include "tests/unit/generator/describe.h"

#include "generator/unit-escape.h"

static void expect(enum unit_context context, const char *text, const char *expected)
{
    _cleanup_free_ char *written = NULL;
    size_t size;
    FILE *f = open_memstream(&written, &size);

    assert_non_null(f);
    unit_escape(f, text, context);
    assert_int_equal(fclose(f), 0);
    assert_string_equal(written, expected);
}

static void test_exec_argument(_unused_ void **state)
{
    expect(UNIT_EXEC_ARGUMENT, "--vcpus=2", "--vcpus=2");
    expect(UNIT_EXEC_ARGUMENT, "", "\"\"");
    expect(UNIT_EXEC_ARGUMENT, "a b", "\"a b\"");
    expect(UNIT_EXEC_ARGUMENT, "%i$x${y}", "\"%%i$$x$${y}\"");
    expect(UNIT_EXEC_ARGUMENT, "a$b%c", "a$$b%%c");
    expect(UNIT_EXEC_ARGUMENT, "it's \"q\" \\", "\"it's \\\"q\\\" \\\\\"");
    expect(UNIT_EXEC_ARGUMENT, ";", "\";\"");
    expect(UNIT_EXEC_ARGUMENT, "a\nExecStart=b\t\x01\xff", "\"a\\x0aExecStart=b\\x09\\x01\\xff\"");
    expect(UNIT_EXEC_ARGUMENT, "\xc3\xa4", "\"\xc3\xa4\"");
    expect(UNIT_EXEC_ARGUMENT, "#x", "\"#x\"");
}

/* Only the variable of ours has a '$' that means something. */
static void test_argument_and_variable(_unused_ void **state)
{
    _cleanup_free_ char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    unit_write_argument_and(f, "VOLT_MAC_0", "--net=eth0,mac=");
    unit_write_argument_and(f, "VOLT_IP", "--cmdline=%s ", "$HOME ${VOLT_IP} %i");
    unit_write_argument(f, "--x=%s", "${VOLT_IP}");
    unit_write_argument_between(f, "--c=", "A", NULL, "%s", "");
    unit_write_argument_between(f, "--c=", "A", "B", " %s ", "$x");
    unit_write_argument_between(f, "--c=", NULL, NULL, "x");
    assert_int_equal(fclose(f), 0);
    assert_string_equal(text, " \\\n    --net=eth0,mac=${VOLT_MAC_0}"
                              " \\\n    \"--cmdline=$$HOME $${VOLT_IP} %%i ${VOLT_IP}\""
                              " \\\n    \"--x=$${VOLT_IP}\""
                              " \\\n    --c=${A} \\\n    \"--c=${A} $$x ${B}\" \\\n    --c=x");
}

static void test_word(_unused_ void **state)
{
    expect(UNIT_WORD, "/a/b-c_d.e", "/a/b-c_d.e");
    expect(UNIT_WORD, "/a b/%h/$x", "\"/a b/%%h/$x\"");
    expect(UNIT_WORD, "/a\"b\\", "\"/a\\\"b\\\\\"");
}

static void test_value(_unused_ void **state)
{
    expect(UNIT_VALUE, "web 100% $x \"y\"", "web 100%% $x \"y\"");
    expect(UNIT_VALUE, "a\\b\\", "a\\b\\x5c");
    expect(UNIT_VALUE, "a\n[Service]", "a\\x0a[Service]");
}

static void test_comment(_unused_ void **state)
{
    expect(UNIT_COMMENT, "100% of\nExecStart=x\\", "100% of\\x0aExecStart=x\\x5c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec_argument), cmocka_unit_test(test_argument_and_variable),
        cmocka_unit_test(test_word),          cmocka_unit_test(test_value),
        cmocka_unit_test(test_comment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
