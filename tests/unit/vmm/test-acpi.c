/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ACPI tables, read as a kernel reads them: from the RSDP by addresses, lengths and checksums
 * (ACPI 6.5, 5.2). */
#include "vmm/boot/acpi.h"

#include "acpi-platform.h"
#include "test.h"
#include "vmm/boot/layout.h"
#include "vmm/kvm/memory.h"

static struct guest_memory memory;

static int setup(void **state _unused_)
{
    return guest_memory_init(&memory, 16 * MIB);
}

static int teardown(void **state _unused_)
{
    guest_memory_done(&memory);
    return 0;
}

static uint64_t number(const uint8_t *p, unsigned offset, unsigned length)
{
    uint64_t value = 0;

    memcpy(&value, p + offset, length);
    return value;
}

static void assert_sums_to_zero(const uint8_t *p, size_t length)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + p[i]);
    assert_int_equal(sum, 0);
}

/* The table with SIGNATURE at ADDRESS, checked as a whole. */
static const uint8_t *table_at(uint64_t address, const char *signature, unsigned *ret_length)
{
    const uint8_t *header = guest_memory_at(&memory, address, 36);

    assert_non_null(header);
    assert_memory_equal(header, signature, 4);
    unsigned length = (unsigned)number(header, 4, 4);
    assert_in_range(length, 36, 16384);
    assert_true(address >= LAYOUT_ACPI && address + length <= MIB);
    assert_sums_to_zero(header, length);
    assert_memory_equal(header + 10, "VOLT  VOLTVMM ", 14);
    *ret_length = length;
    return header;
}

static const uint8_t *find(const char *signature, unsigned *ret_length)
{
    const uint8_t *rsdp = guest_memory_at(&memory, LAYOUT_ACPI, 36);
    unsigned length;

    assert_memory_equal(rsdp, "RSD PTR ", 8);
    assert_sums_to_zero(rsdp, 20);
    assert_sums_to_zero(rsdp, 36);
    assert_int_equal(rsdp[15], 2);
    assert_int_equal(number(rsdp, 20, 4), 36);
    const uint8_t *xsdt = table_at(number(rsdp, 24, 8), "XSDT", &length);
    for (unsigned at = 36; at < length; at += 8) {
        uint64_t address = number(xsdt, at, 8);

        if (memcmp(guest_memory_at(&memory, address, 4), signature, 4) == 0)
            return table_at(address, signature, ret_length);
    }
    fail_msg("no table %s", signature);
    return NULL;
}

static void test_fadt(void **state _unused_)
{
    unsigned length, dsdt_length;

    assert_int_equal(acpi_write(&memory, &acpi_test_platform), 0);
    const uint8_t *fadt = find("FACP", &length);
    assert_int_equal(length, 276);
    assert_int_equal(fadt[8], 6);
    assert_true(number(fadt, 112, 4) & 1 << 20); /* hardware-reduced */
    assert_true(number(fadt, 112, 4) & 1 << 10); /* has a reset register */
    static const struct {
        unsigned offset, port;
    } registers[] = {{116, 0x602}, {244, 0x600}, {256, 0x601}};
    for (size_t i = 0; i < ELEMENTSOF(registers); i++) {
        const uint8_t *address = fadt + registers[i].offset;

        assert_memory_equal(address, ((uint8_t[]){1, 8, 0, 1}), 4); /* an I/O port of one byte */
        assert_int_equal(number(address, 4, 8), registers[i].port);
    }
    assert_int_equal(fadt[128], 1); /* reset value */
    assert_int_equal(number(fadt, 36, 4), 0);
    assert_int_equal(number(fadt, 40, 4), 0);
    const uint8_t *dsdt = table_at(number(fadt, 140, 8), "DSDT", &dsdt_length);
    assert_int_equal(dsdt[8], 2); /* 64-bit integers */
    assert_int_equal(dsdt[36], 0x10);
}

static void test_madt(void **state _unused_)
{
    unsigned length, cpus = 0, io_apics = 0;

    assert_int_equal(acpi_write(&memory, &acpi_test_platform), 0);
    const uint8_t *madt = find("APIC", &length);
    assert_int_equal(number(madt, 36, 4), 0xfee00000);
    for (unsigned at = 44; at < length; at += madt[at + 1]) {
        assert_true(madt[at + 1] >= 8 && at + madt[at + 1] <= length);
        if (madt[at] == 0) {
            assert_int_equal(madt[at + 2], cpus);
            assert_int_equal(madt[at + 3], cpus++);
            assert_int_equal(number(madt, at + 4, 4), 1);
        } else {
            assert_int_equal(madt[at], 1);
            assert_int_equal(number(madt, at + 4, 4), 0xfec00000);
            assert_int_equal(number(madt, at + 8, 4), 0);
            io_apics++;
        }
    }
    assert_int_equal(cpus, 3);
    assert_int_equal(io_apics, 1);
}

static void test_mcfg(void **state _unused_)
{
    unsigned length;

    assert_int_equal(acpi_write(&memory, &acpi_test_platform), 0);
    const uint8_t *mcfg = find("MCFG", &length);
    assert_int_equal(length, 60);
    assert_int_equal(number(mcfg, 44, 8), 0xe0000000);
    assert_int_equal(number(mcfg, 52, 2), 0);
    assert_int_equal(mcfg[54], 0);
    assert_int_equal(mcfg[55], 0); /* one bus */
}

static void test_most_vcpus(void **state _unused_)
{
    struct acpi_platform platform = acpi_test_platform;
    unsigned length;

    platform.n_vcpus = 254;
    assert_int_equal(acpi_write(&memory, &platform), 0);
    const uint8_t *madt = find("APIC", &length);
    assert_int_equal(length, 44 + 12 + 254 * 8);
    assert_int_equal(madt[length - 5], 253);
}

static void test_no_room(void **state _unused_)
{
    static uint8_t tables[8192];
    int length = acpi_build(&acpi_test_platform, LAYOUT_ACPI, tables, sizeof(tables));

    assert_true(length > 0);
    for (int size = 0; size < length; size++)
        assert_int_equal(acpi_build(&acpi_test_platform, LAYOUT_ACPI, tables, (size_t)size),
                         -ENOSPC);
    assert_int_equal(acpi_build(&acpi_test_platform, LAYOUT_ACPI, tables, (size_t)length), length);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fadt),    cmocka_unit_test(test_madt),
        cmocka_unit_test(test_mcfg),    cmocka_unit_test(test_most_vcpus),
        cmocka_unit_test(test_no_room),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
