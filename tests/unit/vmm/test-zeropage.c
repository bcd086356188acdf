/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The zero page: memory map, command line, initrd. */
#include "vmm/boot/zeropage.h"

#include "test.h"
#include "vmm/boot/layout.h"
#include "vmm/kvm/memory.h"

enum { RAM = 1, RESERVED = 2 };

#define ECAM_BASE UINT64_C(0xe0000000)

static const struct kernel good = {
    .entry = 0x1000200,
    .start = 0x1000000,
    .end = 0x1100000,
    .initrd_max = 0x7fffffff,
    .cmdline_max = 100,
    .header = {.boot_flag = 0xaa55,
               .header = 0x53726448,
               .ramdisk_image = 0xdeadbeef,
               .ramdisk_size = 0xdeadbeef,
               .setup_data = 0xdeadbeef},
};

static struct boot_params zero;

/* Writes a zero page into SIZE bytes of memory and copies it to ZERO. */
static int write_page(struct guest_memory *memory, uint64_t size, const struct kernel *kernel,
                      const char *cmdline, int initrd)
{
    const struct boot_info info = {
        .cmdline = cmdline,
        .initrd_fd = initrd,
        .reserved_base = ECAM_BASE,
        .reserved_size = MIB,
    };

    assert_int_equal(guest_memory_init(memory, size), 0);
    int r = zeropage_write(memory, kernel, &info);
    assert_int_equal(guest_memory_read(memory, LAYOUT_ZERO_PAGE, &zero, sizeof(zero)), 0);
    return r;
}

static void assert_range(unsigned i, uint64_t start, uint64_t size, uint32_t type)
{
    assert_true(zero.e820_table[i].addr == start);
    assert_true(zero.e820_table[i].size == size);
    assert_int_equal(zero.e820_table[i].type, type);
}

static void test_small_memory(void **state _unused_)
{
    struct guest_memory memory;

    assert_int_equal(write_page(&memory, 128 * MIB, &good, "quiet", -EBADF), 0);
    assert_int_equal(zero.e820_entries, 4);
    assert_range(0, 0, LAYOUT_EBDA, RAM);
    assert_range(1, LAYOUT_EBDA, MIB - LAYOUT_EBDA, RESERVED);
    assert_range(2, MIB, 127 * MIB, RAM);
    assert_range(3, ECAM_BASE, MIB, RESERVED);
    assert_int_equal(zero.hdr.header, 0x53726448);
    assert_int_equal(zero.hdr.type_of_loader, 0xff);
    assert_true(zero.acpi_rsdp_addr == LAYOUT_ACPI);
    /* What the image claims is not believed. */
    assert_int_equal(zero.hdr.ramdisk_image, 0);
    assert_int_equal(zero.hdr.ramdisk_size, 0);
    assert_true(zero.hdr.setup_data == 0);
    guest_memory_done(&memory);
}

static void test_large_memory(void **state _unused_)
{
    struct guest_memory memory;

    assert_int_equal(write_page(&memory, 4 * GIB, &good, "", -EBADF), 0);
    assert_int_equal(zero.e820_entries, 5);
    assert_range(2, MIB, 3 * GIB - MIB, RAM);
    assert_range(3, ECAM_BASE, MIB, RESERVED);
    assert_range(4, 4 * GIB, GIB, RAM);
    for (unsigned i = 1; i < 5; i++)
        assert_true(zero.e820_table[i].addr >=
                    zero.e820_table[i - 1].addr + zero.e820_table[i - 1].size);
    guest_memory_done(&memory);
}

static void test_cmdline(void **state _unused_)
{
    struct guest_memory memory;
    char text[102];

    memset(text, 'x', sizeof(text) - 1);
    text[101] = '\0';
    assert_int_equal(write_page(&memory, 64 * MIB, &good, text, -EBADF), -E2BIG);
    guest_memory_done(&memory);
    text[100] = '\0'; /* as long as the kernel takes */
    assert_int_equal(write_page(&memory, 64 * MIB, &good, text, -EBADF), 0);
    assert_int_equal(zero.hdr.cmd_line_ptr, LAYOUT_CMDLINE);
    assert_string_equal((const char *)guest_memory_at(&memory, LAYOUT_CMDLINE, 101), text);
    guest_memory_done(&memory);

    /* A kernel that claims to take any length gets no more than there is room for. */
    struct kernel kernel = good;
    kernel.cmdline_max = UINT32_MAX;
    char *large = calloc(1, LAYOUT_CMDLINE_MAX + 1);
    assert_non_null(large);
    memset(large, 'y', LAYOUT_CMDLINE_MAX);
    assert_int_equal(write_page(&memory, 64 * MIB, &kernel, large, -EBADF), -E2BIG);
    guest_memory_done(&memory);
    large[LAYOUT_CMDLINE_MAX - 1] = '\0';
    assert_int_equal(write_page(&memory, 64 * MIB, &kernel, large, -EBADF), 0);
    free(large);
    guest_memory_done(&memory);
}

static void test_initrd(void **state _unused_)
{
    struct guest_memory memory;
    static char data[5000] = "initrd";
    _cleanup_close_ int fd = file_of(data, sizeof(data));

    assert_int_equal(write_page(&memory, 64 * MIB, &good, "", fd), 0);
    assert_int_equal(zero.hdr.ramdisk_image, 64 * MIB - 8192);
    assert_int_equal(zero.hdr.ramdisk_size, sizeof(data));
    assert_memory_equal(guest_memory_at(&memory, zero.hdr.ramdisk_image, sizeof(data)), data,
                        sizeof(data));
    guest_memory_done(&memory);

    /* As high as the kernel allows, in memory that is larger than that. */
    assert_int_equal(write_page(&memory, 4 * GIB, &good, "", fd), 0);
    assert_int_equal(zero.hdr.ramdisk_image, 0x80000000 - 8192);
    guest_memory_done(&memory);
    struct kernel kernel = good;
    kernel.initrd_max = UINT32_MAX;
    assert_int_equal(write_page(&memory, 4 * GIB, &kernel, "", fd), 0);
    assert_int_equal(zero.hdr.ramdisk_image, 0xc0000000 - 8192);
    guest_memory_done(&memory);
}

static void test_initrd_refused(void **state _unused_)
{
    struct guest_memory memory;
    struct kernel kernel = good;
    _cleanup_close_ int fd = memfd_create("initrd", MFD_CLOEXEC);

    assert_int_equal(write_page(&memory, 64 * MIB, &good, "", fd), -EINVAL); /* empty */
    guest_memory_done(&memory);

    assert_int_equal(ftruncate(fd, 60 << 20), 0); /* over the kernel */
    assert_int_equal(write_page(&memory, 64 * MIB, &good, "", fd), -E2BIG);
    guest_memory_done(&memory);
    assert_int_equal(ftruncate(fd, 64 << 20), 0); /* all there is */
    assert_int_equal(write_page(&memory, 64 * MIB, &good, "", fd), -E2BIG);
    guest_memory_done(&memory);
    assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
    assert_int_equal(write_page(&memory, 64 * MIB, &good, "", fd), -E2BIG);
    guest_memory_done(&memory);

    assert_int_equal(ftruncate(fd, 64 * 1024), 0);
    kernel.end = 64 * MIB; /* the kernel goes up to the end */
    assert_int_equal(write_page(&memory, 64 * MIB, &kernel, "", fd), -E2BIG);
    guest_memory_done(&memory);
    kernel = good;
    kernel.initrd_max = 0x100000; /* below 1 MiB is taken */
    assert_int_equal(write_page(&memory, 64 * MIB, &kernel, "", fd), -E2BIG);
    guest_memory_done(&memory);
    kernel.initrd_max = 0;
    assert_int_equal(write_page(&memory, 64 * MIB, &kernel, "", fd), -E2BIG);
    guest_memory_done(&memory);
    /* Just below the kernel there is room. */
    kernel.initrd_max = 0xffffff;
    assert_int_equal(write_page(&memory, 64 * MIB, &kernel, "", fd), 0);
    assert_int_equal(zero.hdr.ramdisk_image, 0x1000000 - 64 * 1024);
    guest_memory_done(&memory);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_memory),   cmocka_unit_test(test_large_memory),
        cmocka_unit_test(test_cmdline),        cmocka_unit_test(test_initrd),
        cmocka_unit_test(test_initrd_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
