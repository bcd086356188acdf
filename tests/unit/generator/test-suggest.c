/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "Did you mean …": slips are found, other words are not. */
#include "tests/unit/generator/describe.h"

#include "generator/schema.h"
#include "generator/suggest.h"

static void test_distance(_unused_ void **state)
{
    assert_int_equal(edit_distance("vcpus", "vcpus"), 0);
    assert_int_equal(edit_distance("VCPUS", "vcpus"), 0);
    assert_int_equal(edit_distance("vcpu", "vcpus"), 1);
    assert_int_equal(edit_distance("vcups", "vcpus"), 1); /* neighbours swapped */
    assert_int_equal(edit_distance("kernal", "kernel"), 1);
    assert_int_equal(edit_distance("", "abc"), 3);
    assert_int_equal(edit_distance("kitten", "sitting"), 3);
    assert_int_equal(edit_distance("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "a"), SIZE_MAX);
}

static void test_keys(_unused_ void **state)
{
    assert_string_equal(schema_suggest_key(SECTION_VM, "vcpu"), "vcpus");
    assert_string_equal(schema_suggest_key(SECTION_VM, "Kernel"), "kernel");
    assert_string_equal(schema_suggest_key(SECTION_VM, "memory"), "memory_mib");
    assert_string_equal(schema_suggest_key(SECTION_VM, "memory_maxx"), "memory_max");
    assert_string_equal(schema_suggest_key(SECTION_VM, "stop_timeout"), "stop_timeout_sec");
    assert_string_equal(schema_suggest_key(SECTION_VM, "auto-start"), "autostart");
    assert_string_equal(schema_suggest_key(SECTION_NETWORK, "brige"), "bridge");
    assert_string_equal(schema_suggest_key(SECTION_DISK, "read-only"), "readonly");
    assert_null(schema_suggest_key(SECTION_VM, "colour"));
    assert_null(schema_suggest_key(SECTION_VM, "x"));
    assert_null(schema_suggest_key(SECTION_VM, "bridge")); /* of another section */
    assert_string_equal(schema_suggest_section("networks"), "network");
    assert_string_equal(schema_suggest_section("Vm"), "vm");
    assert_string_equal(schema_suggest_section("credential"), "credentials");
    assert_null(schema_suggest_section("cpu"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
