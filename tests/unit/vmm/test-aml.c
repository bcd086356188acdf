/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The AML writer: bytes as ACPI 6.5, chapter 20 has them, and what happens when they do not fit. */
#include "vmm/boot/aml.h"

#include "test.h"
#include "vmm/boot/dsdt.h"

static uint8_t buffer[512];

static struct aml fresh(size_t size)
{
    memset(buffer, 0xee, sizeof(buffer));
    return (struct aml){.data = buffer, .size = size};
}

#define assert_aml(aml, ...)                                                                       \
    do {                                                                                           \
        static const uint8_t expected[] = {__VA_ARGS__};                                           \
        assert_false((aml).overflow);                                                              \
        assert_int_equal((aml).length, sizeof(expected));                                          \
        assert_memory_equal((aml).data, expected, sizeof(expected));                               \
    } while (0)

static void test_names(void **state _unused_)
{
    struct aml aml = fresh(sizeof(buffer));

    aml_name_integer(&aml, "_UID", 0x12345678);
    assert_aml(aml, 0x08, '_', 'U', 'I', 'D', 0x0c, 0x78, 0x56, 0x34, 0x12);
    aml = fresh(sizeof(buffer));
    aml_name_string(&aml, "_HID", "AB");
    assert_aml(aml, 0x08, '_', 'H', 'I', 'D', 0x0d, 'A', 'B', 0);
    aml = fresh(sizeof(buffer));
    aml_name_eisa_id(&aml, "_HID", "PNP0A08"); /* 0x41d0 0a08, as every DSDT has it */
    assert_aml(aml, 0x08, '_', 'H', 'I', 'D', 0x0c, 0x41, 0xd0, 0x0a, 0x08);
    aml = fresh(sizeof(buffer));
    aml_name_package(&aml, "\\_S5_", (const uint8_t[]){5, 0}, 2);
    assert_aml(aml, 0x08, '\\', '_', 'S', '5', '_', 0x12, 0x88, 0, 0, 2, 0x0a, 5, 0x0a, 0);
}

static void test_nesting(void **state _unused_)
{
    struct aml aml = fresh(sizeof(buffer));

    size_t scope = aml_begin_scope(&aml, "\\_SB_");
    size_t device = aml_begin_device(&aml, "PWRB");
    size_t method = aml_begin_method(&aml, "_EVT", 1);
    aml_notify(&aml, "PWRB", 0x80);
    aml_end(&aml, method);
    aml_end(&aml, device);
    aml_end(&aml, scope);
    assert_aml(aml, 0x10, 0x81, 2, 0, '\\', '_', 'S', 'B', '_', /* Scope, 33 bytes */
               0x5b, 0x82, 0x87, 1, 0, 'P', 'W', 'R', 'B',      /* Device, 23 */
               0x14, 0x8f, 0, 0, '_', 'E', 'V', 'T', 1,         /* Method, 15 */
               0x86, 'P', 'W', 'R', 'B', 0x0a, 0x80);
}

static void test_resources(void **state _unused_)
{
    struct aml aml = fresh(sizeof(buffer));

    size_t resources = aml_begin_resources(&aml);
    aml_resource_io(&aml, 0x3f8, 8);
    aml_resource_interrupt(&aml, 4);
    aml_end_resources(&aml, resources);
    assert_aml(aml, 0x08, '_', 'C', 'R', 'S', 0x11, 0x8b, 1, 0, 0x0c, 19, 0, 0, 0, /* buffer */
               0x47, 1, 0xf8, 3, 0xf8, 3, 1, 8,                                    /* ports */
               0x89, 6, 0, 3, 1, 4, 0, 0, 0,                                       /* interrupt */
               0x79, 0);
    aml = fresh(sizeof(buffer));
    aml_resource_memory_fixed(&aml, 0xe0000000, 0x100000);
    assert_aml(aml, 0x86, 9, 0, 1, 0, 0, 0, 0xe0, 0, 0, 0x10, 0);
}

/* Too small a buffer is noticed at the end, and nothing is written beyond it. */
static void test_overflow(void **state _unused_)
{
    static const struct acpi_platform platform = {.n_vcpus = 1, .ecam_size = 1 << 20};
    static uint8_t whole[4096];
    int length = dsdt_write(&platform, whole, sizeof(whole));

    assert_true(length > 300);
    for (int size = 0; size < length; size++) {
        static uint8_t part[4096];

        memset(part, 0xee, sizeof(part));
        assert_int_equal(dsdt_write(&platform, part, (size_t)size), -ENOSPC);
        for (int i = size; i < length; i++)
            assert_int_equal(part[i], 0xee);
    }
    assert_int_equal(dsdt_write(&platform, whole, (size_t)length), length);
}

/* PkgLength of more than 4095 bytes takes all three bytes. */
static void test_long_package(void **state _unused_)
{
    static uint8_t large[8192];
    struct aml aml = {.data = large, .size = sizeof(large)};

    size_t scope = aml_begin_scope(&aml, "\\_SB_");
    for (unsigned i = 0; i < 500; i++)
        aml_name_integer(&aml, "_UID", i);
    aml_end(&aml, scope);
    assert_false(aml.overflow);
    size_t encoded = (large[1] & 0xf) | (size_t)large[2] << 4 | (size_t)large[3] << 12;
    assert_int_equal(large[1] >> 6, 2);
    assert_int_equal(encoded, aml.length - 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_resources),    cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_long_package),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
