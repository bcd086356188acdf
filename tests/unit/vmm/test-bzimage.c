/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bzImages: a good one, and each kind of bad one. */
#include "test.h"
#include "vmm/boot/kernel.h"
#include "vmm/kvm/memory.h"

enum {
    SETUP_SECTORS = 3,
    CODE_OFFSET = (SETUP_SECTORS + 1) * 512,
    CODE_SIZE = 8192,
};

struct image {
    uint8_t bytes[CODE_OFFSET + CODE_SIZE];
};

static struct guest_memory memory;

static struct setup_header *header_of(struct image *image)
{
    return (struct setup_header *)(image->bytes + 0x1f1);
}

static int setup(void **state)
{
    struct image *image = calloc(1, sizeof(*image));

    if (!image)
        return -1;
    *header_of(image) = (struct setup_header){
        .setup_sects = SETUP_SECTORS,
        .syssize = CODE_SIZE / 16,
        .boot_flag = 0xaa55,
        .header = 0x53726448,
        .version = 0x020f,
        .loadflags = LOADED_HIGH,
        .initrd_addr_max = 0x7fffffff,
        .kernel_alignment = 0x200000,
        .relocatable_kernel = 1,
        .xloadflags = XLF_KERNEL_64,
        .cmdline_size = 2047,
        .pref_address = 0x1000000,
        .init_size = 0x100000,
    };
    memset(image->bytes + CODE_OFFSET, 0x90, CODE_SIZE);
    *state = image;
    return guest_memory_init(&memory, 32 * MIB);
}

static int teardown(void **state)
{
    free(*state);
    guest_memory_done(&memory);
    return 0;
}

static int load(const struct image *image, size_t length, struct kernel *ret)
{
    _cleanup_close_ int fd = file_of(image, length);

    return kernel_load(fd, false, &memory, ret);
}

static int load_whole(const struct image *image)
{
    struct kernel kernel;

    return load(image, sizeof(*image), &kernel);
}

static void test_good(void **state)
{
    struct image *image = *state;
    struct kernel kernel;

    assert_int_equal(load(image, sizeof(*image), &kernel), 0);
    assert_int_equal(kernel.entry, 0x1000200);
    assert_int_equal(kernel.start, 0x1000000);
    assert_int_equal(kernel.end, 0x1100000);
    assert_int_equal(kernel.header.code32_start, 0x1000000);
    assert_int_equal(kernel.cmdline_max, 2047);
    const uint8_t *p = guest_memory_at(&memory, 0x1000000, CODE_SIZE + 1);
    assert_int_equal(p[0], 0x90);
    assert_int_equal(p[CODE_SIZE - 1], 0x90);
    assert_int_equal(p[CODE_SIZE], 0);
}

static void test_protocol(void **state)
{
    struct image *image = *state;
    const struct image good = *image;

    header_of(image)->boot_flag = 0;
    assert_int_equal(load_whole(image), -ENOEXEC);
    *image = good;
    header_of(image)->header = 0;
    assert_int_equal(load_whole(image), -ENOEXEC);
    *image = good;
    header_of(image)->version = 0x020b;
    assert_int_equal(load_whole(image), -ENOEXEC);
    *image = good;
    header_of(image)->loadflags = 0;
    assert_int_equal(load_whole(image), -ENOEXEC);
    *image = good;
    header_of(image)->xloadflags = 0;
    assert_int_equal(load_whole(image), -ENOEXEC);
}

static void test_truncated(void **state)
{
    struct image *image = *state;
    struct kernel kernel;

    assert_int_equal(load(image, 0x210, &kernel), -EIO);
    assert_int_equal(load(image, CODE_OFFSET, &kernel), -EIO);
    assert_int_equal(load(image, CODE_OFFSET - 100, &kernel), -EIO);
    assert_int_equal(load(image, sizeof(*image) - 16, &kernel), -EIO);
    /* The last paragraph need not be whole. */
    assert_int_equal(load(image, sizeof(*image) - 15, &kernel), 0);
    header_of(image)->syssize = UINT32_MAX;
    assert_int_equal(load_whole(image), -EIO);
    header_of(image)->syssize = 0x200 / 16; /* no code at the entry point */
    assert_int_equal(load_whole(image), -EIO);
    header_of(image)->syssize = 0;
    assert_int_equal(load_whole(image), -EIO);
}

static void test_setup_sectors(void **state)
{
    struct image *image = *state;

    header_of(image)->setup_sects = 255;
    assert_int_equal(load_whole(image), -EIO);
    header_of(image)->setup_sects = 0; /* means four: one more than there are */
    assert_int_equal(load_whole(image), -EIO);
    header_of(image)->syssize -= 512 / 16;
    assert_int_equal(load_whole(image), 0);
}

static void test_placement(void **state)
{
    struct image *image = *state;
    struct setup_header *header = header_of(image);
    struct kernel kernel;

    header->init_size = UINT32_MAX;
    assert_int_equal(load_whole(image), -ENOSPC);
    header->init_size = 0; /* then the image's own size */
    assert_int_equal(load(image, sizeof(*image), &kernel), 0);
    assert_int_equal(kernel.end, kernel.start + CODE_SIZE);

    /* Sixteen MiB do not fit at the preferred place but do at another. */
    header->init_size = 17 << 20;
    assert_int_equal(load(image, sizeof(*image), &kernel), 0);
    assert_int_equal(kernel.start, 0x200000);
    assert_int_equal(kernel.entry, 0x200200);
    header->relocatable_kernel = 0;
    assert_int_equal(load_whole(image), -ENOSPC);
    header->relocatable_kernel = 1;
    header->kernel_alignment = 0;
    assert_int_equal(load_whole(image), -ENOSPC);
    header->kernel_alignment = UINT32_MAX;
    assert_int_equal(load_whole(image), -ENOSPC);
    header->kernel_alignment = 1u << 30;
    assert_int_equal(load_whole(image), -ENOSPC);
    header->kernel_alignment = 3 << 20; /* no power of two, and harmless */
    assert_int_equal(load(image, sizeof(*image), &kernel), -0);
    assert_int_equal(kernel.start, 3 << 20);
}

static void test_preferred_address(void **state)
{
    static const uint64_t bad[] = {
        0, 0x1000, 0xfffff, 32 * MIB, UINT64_C(0xe0000000), UINT64_MAX, UINT64_MAX - 0x1000};
    struct image *image = *state;
    struct kernel kernel;

    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        header_of(image)->pref_address = bad[i];
        assert_int_equal(load(image, sizeof(*image), &kernel), 0);
        assert_int_equal(kernel.start, 0x200000);
    }
    header_of(image)->relocatable_kernel = 0;
    assert_int_equal(load_whole(image), -ENOSPC);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_good),          TEST(test_protocol),  TEST(test_truncated),
        TEST(test_setup_sectors), TEST(test_placement), TEST(test_preferred_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
