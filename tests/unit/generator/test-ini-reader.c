/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The INI reader: what it hands on, with which line, and every line that it refuses. */
#include "tests/unit/generator/describe.h"

#include "generator/ini-reader.h"

static void on_section(void *user, unsigned line, const char *name)
{
    (void)fprintf(user, "%u [%s]\n", line, name);
}

static void on_setting(void *user, unsigned line, const char *key, const char *value)
{
    (void)fprintf(user, "%u %s|%s\n", line, key, value);
}

static void on_error(void *user, unsigned line, const char *text, _unused_ const char *raw)
{
    (void)fprintf(user, "%u !%s\n", line, text);
}

static void expect(const char *text, size_t size, const char *expected)
{
    static const struct ini_events events = {on_section, on_setting, on_error};
    _cleanup_free_ char *log = NULL;
    size_t log_size;
    FILE *f = open_memstream(&log, &log_size);

    assert_non_null(f);
    assert_int_equal(ini_read(text, size, &events, f), 0);
    assert_int_equal(fclose(f), 0);
    assert_string_equal(log, expected);
}

#define EXPECT(text, expected) expect(text, sizeof(text) - 1, expected)

static void test_what_is_read(_unused_ void **state)
{
    EXPECT("", "");
    EXPECT("\n\n# c\n; c\n[vm]\nkey = value\n", "5 [vm]\n6 key|value\n");
    EXPECT("[ network \t eth0 ] ; c\r\na=b\r\n", "1 [network \t eth0]\n2 a|b\n");
    EXPECT("\xef\xbb\xbf[vm]\na=b", "1 [vm]\n2 a|b\n");
    EXPECT("a = b ; comment\nc = d;e ;f ; g\nh =\n", "1 a|b\n2 c|d;e\n3 h|\n");
    EXPECT("a = x=y:z # \"q\"\n", "1 a|x=y:z # \"q\"\n");
    EXPECT("a = \xc3\xa4\n", "1 a|\xc3\xa4\n");
    /* inih would join an indented line to the one before. */
    EXPECT("a = 1\n   b = 2\n\tc = 3\n", "1 a|1\n2 b|2\n3 c|3\n");
}

static void test_what_is_refused(_unused_ void **state)
{
    EXPECT("[vm\n", "1 !the section name has no ']' at its end\n");
    EXPECT("[vm] x\n", "1 !there is text after ']'; put it on a line of its own\n");
    EXPECT("[vm] # x\n", "1 !there is text after ']'; put it on a line of its own (a comment at a "
                         "line's end begins with ';')\n");
    EXPECT("a: b\n", "1 !':' stands where '=' belongs; write key = value\n");
    EXPECT("\nvcpus 2\na=b\n",
           "2 !there is no '='; write key = value, [section], or # comment\n3 a|b\n");
    EXPECT("a ; = b\n", "1 !there is no '='; write key = value, [section], or # comment\n");
    EXPECT(" = b\n", "1 !there is no key before '='; write key = value\n");
    EXPECT("a=b\0c\nd=e\n", "1 !column 4 is a NUL byte; the file must be plain text\n2 d|e\n");
    EXPECT("a=\x1b[m\n", "1 !column 3 is the control character \\x1b; remove it\n");
    EXPECT("a=b\rc=d\n", "1 !column 4 is the control character \\x0d; remove it\n");
    EXPECT("# \x7f\n", "1 !column 3 is the control character \\x7f; remove it\n");
}

static void test_broken_utf8(_unused_ void **state)
{
    static const char *const broken[] = {
        "\xff",
        "\xc3",
        "\x80",
        "\xc0\xaf",
        "\xe0\x80\xaf",
        "\xed\xa0\x80",
        "\xc2\x85",
        "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80",
        "\xe2\x80\xa8",
        "\xe2\x82",
    };

    for (size_t i = 0; i < ELEMENTSOF(broken); i++) {
        char text[16], expected[128];

        (void)snprintf(text, sizeof(text), "a=%s\n", broken[i]);
        (void)snprintf(expected, sizeof(expected),
                       "1 !column 3 (byte \\x%02x) is no printable UTF-8; remove it or convert the "
                       "file\n",
                       (unsigned char)broken[i][0]);
        expect(text, strlen(text), expected);
    }
}

/* inih 55 as Debian builds it would make two lines of one over 200 bytes. */
static void test_long_lines(_unused_ void **state)
{
    char text[2 * INI_LINE_MAX], expected[2 * INI_LINE_MAX];

    memset(text, 'v', sizeof(text));
    memcpy(text, "key=", 4);
    memcpy(text + INI_LINE_MAX, "\nb=c\n", 6);
    (void)snprintf(expected, sizeof(expected), "1 key|%.*s\n2 b|c\n", INI_LINE_MAX - 4, text + 4);
    expect(text, INI_LINE_MAX + 5, expected);

    memset(text, 'v', sizeof(text));
    memcpy(text, "key=", 4);
    memcpy(text + INI_LINE_MAX + 1, "\nb=c\n", 6);
    expect(text, INI_LINE_MAX + 6, "1 !the line has 4097 bytes; at most 4096 are read\n2 b|c\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_broken_utf8),
        cmocka_unit_test(test_long_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
