/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a VMM may say, and what is passed over. */
#include "tools/message.h"

#include "tests/unit/vmm/test.h"

static struct message read_text(const char *bytes, size_t n)
{
    return message_read((const uint8_t *)bytes, n);
}

static void test_known(void **state _unused_)
{
    assert_int_equal(read_text("h\x01", 2).kind, CONSOLE_HELLO);
    assert_int_equal(read_text("h\x02 and more", 11).kind, CONSOLE_HELLO); /* of a later version */
    assert_int_equal(read_text("b", 1).kind, CONSOLE_BUSY);

    const struct message output = read_text("otext", 5);
    assert_int_equal(output.kind, CONSOLE_OUTPUT);
    assert_int_equal(output.size, 4);
    assert_memory_equal(output.data, "text", 4);

    const struct message lost = read_text("l\x02\x01\0\0\0\0\0\x80", 9);
    assert_int_equal(lost.kind, CONSOLE_LOST);
    assert_true(lost.lost == UINT64_C(0x8000000000000102));
}

static void test_unknown(void **state _unused_)
{
    assert_int_equal(read_text("", 0).kind, 0);
    assert_int_equal(read_text("x-later", 7).kind, 0);
    assert_int_equal(read_text("l\x01", 2).kind, 0);
    assert_int_equal(read_text("l123456789", 10).kind, 0);
}

static void test_size(void **state _unused_)
{
    uint8_t bytes[CONSOLE_SIZE_MESSAGE];
    static const uint8_t wanted[] = {CONSOLE_SIZE, 0x2c, 1, 50, 0};

    message_write_size(bytes, 300, 50);
    assert_memory_equal(bytes, wanted, sizeof(wanted));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
