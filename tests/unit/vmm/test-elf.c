/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ELF kernels: a good one, and each kind of bad one. */
#include <fcntl.h>

#include "elf-image.h"
#include "test.h"
#include "vmm/boot/kernel.h"
#include "vmm/kvm/memory.h"

static struct guest_memory memory;

static int setup(void **state)
{
    *state = elf_image_new();
    return guest_memory_init(&memory, 64 * MIB);
}

static int teardown(void **state)
{
    free(*state);
    guest_memory_done(&memory);
    return 0;
}

/* Loads the first LENGTH bytes of the image. */
static int load(const struct elf_image *image, size_t length, struct kernel *ret)
{
    _cleanup_close_ int fd = file_of(image, length);

    return kernel_load(fd, false, &memory, ret);
}

static int load_whole(const struct elf_image *image)
{
    struct kernel kernel;

    return load(image, sizeof(*image), &kernel);
}

static void test_good(void **state)
{
    struct elf_image *image = *state;
    struct kernel kernel;

    assert_int_equal(load(image, sizeof(*image), &kernel), 0);
    assert_int_equal(kernel.entry, 0x200010);
    assert_int_equal(kernel.start, 0x200000);
    assert_int_equal(kernel.end, 0x400100);
    assert_true(kernel.cmdline_max > 0 && kernel.initrd_max > 0);
    const uint8_t *p = guest_memory_at(&memory, 0x200000, 8192);
    assert_int_equal(p[4095], 0x90);
    assert_int_equal(p[4096], 0); /* what the file does not have is zero */
    p = guest_memory_at(&memory, 0x400000, 257);
    assert_int_equal(p[255], 0x90);
    assert_int_equal(p[256], 0);
}

/* The holes of a kernel in the store cost neither time nor memory. */
static void test_holes_are_left_alone(void **state)
{
    struct elf_image *image = *state;
    struct kernel kernel;

    image->segments[1].p_offset = MIB;
    image->segments[1].p_filesz = image->segments[1].p_memsz = 256 << 10;
    _cleanup_close_ int fd = file_of(image, sizeof(*image));
    assert_int_equal(ftruncate(fd, MIB + (256 << 10)), 0);
    assert_int_equal(pwrite(fd, "x", 1, MIB + (128 << 10) + 5), 1);
    assert_int_equal(kernel_load(fd, false, &memory, &kernel), 0);
    const uint8_t *p = guest_memory_at(&memory, 0x400000, 256 << 10);
    assert_int_equal(lseek(memory.fd, 0x400000, SEEK_DATA), 0x400000 + (128 << 10));
    assert_int_equal(lseek(memory.fd, 0x400000 + (128 << 10), SEEK_HOLE),
                     0x400000 + (128 << 10) + 4096);
    assert_int_equal(p[(128 << 10) + 5], 'x');
    assert_int_equal(p[0], 0);
    assert_int_equal(p[(256 << 10) - 1], 0);
    /* A hole is no end, and an end is no hole. */
    assert_int_equal(ftruncate(fd, MIB + (256 << 10) - 1), 0);
    assert_int_equal(kernel_load(fd, false, &memory, &kernel), -EIO);
}

/* Whether there is a page at P, as far as this process's page tables know. */
static bool is_touched(const void *p)
{
    _cleanup_close_ int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    uint64_t entry;

    assert_int_equal(pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)p / 4096 * sizeof(entry))),
                     sizeof(entry));
    return entry >> 63;
}

/* The host makes huge pages where memory is touched: the kernel is not to be copied past that. */
static void test_transparent_huge_pages(void **state)
{
    const struct elf_image *image = *state;
    struct guest_memory transparent;
    struct kernel kernel;

    _cleanup_close_ int fd = file_of(image, sizeof(*image));
    assert_int_equal(guest_memory_init_pages(&transparent, 64 * MIB, GUEST_MEMORY_TRANSPARENT), 0);
    assert_int_equal(kernel_load(fd, false, &transparent, &kernel), 0);
    assert_true(is_touched(guest_memory_at(&transparent, 0x200000, 1)));
    assert_int_equal(transparent.file_end, 0);
    assert_int_equal(kernel_load(fd, true, &transparent, &kernel), 0);
    assert_true(transparent.file_end > 0);
    assert_int_equal(*(uint8_t *)guest_memory_at(&transparent, 0x200000, 1), 0x90);
    guest_memory_done(&transparent);
    assert_int_equal(kernel_load(fd, false, &memory, &kernel), 0);
    assert_false(is_touched(guest_memory_at(&memory, 0x200000, 1)));
}

/* One that is within a page of the file has none to map, and is copied. */
static void test_mapped_within_a_page(void **state)
{
    struct elf_image *image = *state;
    struct kernel kernel;

    image->segments[0].p_offset = ELF_IMAGE_CODE + 0x20;
    image->segments[0].p_paddr = 0x200000 + ELF_IMAGE_CODE % 4096 + 0x20;
    image->segments[0].p_filesz = 0x20;
    image->header.e_entry = image->segments[0].p_paddr;
    _cleanup_close_ int fd = file_of(image, sizeof(*image));
    assert_int_equal(kernel_load(fd, true, &memory, &kernel), 0);
    assert_int_equal(*(uint8_t *)guest_memory_at(&memory, kernel.entry, 1), 0x90);
    assert_int_equal(memory.file_end, 0);
}

/* A mapped kernel is the same to the guest; only its whole pages are the file's. */
static void test_mapped(void **state)
{
    struct elf_image *image = *state;
    struct kernel kernel;

    /* 12 bytes of the page before, two pages, and 34 bytes of the one behind. */
    image->segments[0].p_offset = ELF_IMAGE_CODE - 12;
    image->segments[0].p_paddr = 0x200000 - 12;
    image->segments[0].p_filesz = image->segments[0].p_memsz = 12 + 8192 + 34;
    image->segments[0].p_memsz += 100;
    image->header.e_entry = 0x200010;
    /* This one's pages are not pages of the file. */
    image->segments[1].p_paddr = 0x400080;
    _cleanup_close_ int fd = file_of(image, sizeof(*image));
    assert_int_equal(ftruncate(fd, ELF_IMAGE_CODE + 3 * 4096), 0);
    assert_int_equal(pwrite(fd, "before", 6, ELF_IMAGE_CODE - 6), 6);
    assert_int_equal(pwrite(fd, "behind!", 7, ELF_IMAGE_CODE + 8192 + 30), 7);
    assert_int_equal(kernel_load(fd, true, &memory, &kernel), 0);
    const uint8_t *p = guest_memory_at(&memory, 0x200000, 3 * 4096);
    assert_memory_equal(p - 6, "before", 6);
    assert_int_equal(p[0], 0x90);
    assert_int_equal(p[4095], 0x90);
    assert_memory_equal(p + 8192 + 28, "\0\0behi\0\0", 8); /* no byte more than the segment has */
    assert_int_equal(*(uint8_t *)guest_memory_at(&memory, 0x400080, 1), 0x90);
    /* Nothing was copied but the ends, and the other segment. */
    assert_int_equal(lseek(memory.fd, 0x200000, SEEK_DATA), 0x202000);
    assert_int_equal(memory.file_begin, 0x200000);
    assert_int_equal(memory.file_end, 0x202000);
    /* A segment over a mapped one wins, as it does without. */
    image->segments[1].p_paddr = 0x201080;
    image->segments[1].p_offset = ELF_IMAGE_CODE + 8192 + 30;
    image->segments[1].p_filesz = image->segments[1].p_memsz = 7;
    assert_int_equal(pwrite(fd, image, ELF_IMAGE_CODE - 12, 0), ELF_IMAGE_CODE - 12);
    assert_int_equal(kernel_load(fd, true, &memory, &kernel), 0);
    assert_memory_equal(p + 0x107f, "\0behind!\0", 9);
    /* What the guest writes is its own. */
    *(uint8_t *)guest_memory_at(&memory, 0x200000, 1) = 'x';
    char byte;
    assert_int_equal(pread(fd, &byte, 1, ELF_IMAGE_CODE), 1);
    assert_int_equal((uint8_t)byte, 0x90);
    /* What every guest writes to is copied. */
    image->segments[1].p_paddr = 0x600000;
    image->segments[1].p_offset = ELF_IMAGE_CODE;
    image->segments[1].p_filesz = image->segments[1].p_memsz = 4096;
    image->segments[1].p_flags = PF_R | PF_W | PF_X;
    assert_int_equal(pwrite(fd, image, ELF_IMAGE_CODE - 12, 0), ELF_IMAGE_CODE - 12);
    assert_int_equal(kernel_load(fd, true, &memory, &kernel), 0);
    assert_int_equal(memory.file_end, 0x202000);
    assert_int_equal(*(uint8_t *)guest_memory_at(&memory, 0x600fff, 1), 0x90);
    /* Who has no bytes needs none. */
    image->segments[1].p_offset = MIB;
    image->segments[1].p_filesz = image->segments[1].p_flags = 0;
    assert_int_equal(pwrite(fd, image, ELF_IMAGE_CODE - 12, 0), ELF_IMAGE_CODE - 12);
    assert_int_equal(kernel_load(fd, true, &memory, &kernel), 0);
    /* An end is an end. */
    assert_int_equal(ftruncate(fd, ELF_IMAGE_CODE + 8192 + 33), 0);
    assert_int_equal(kernel_load(fd, true, &memory, &kernel), -EIO);
}

static void test_not_for_us(void **state)
{
    struct elf_image *image = *state;
    const struct elf_image good = *image;

    image->header.e_ident[EI_CLASS] = ELFCLASS32;
    assert_int_equal(load_whole(image), -ENOEXEC);
    *image = good;
    image->header.e_ident[EI_DATA] = ELFDATA2MSB;
    assert_int_equal(load_whole(image), -ENOEXEC);
    *image = good;
    image->header.e_machine = EM_AARCH64;
    assert_int_equal(load_whole(image), -ENOEXEC);
    *image = good;
    image->header.e_type = ET_DYN;
    assert_int_equal(load_whole(image), -ENOEXEC);
    *image = good;
    image->header.e_ident[0] = 0;
    assert_int_equal(load_whole(image), -ENOEXEC);
}

static void test_headers(void **state)
{
    struct elf_image *image = *state;
    const struct elf_image good = *image;

    image->header.e_phentsize = 32;
    assert_int_equal(load_whole(image), -ENOEXEC);
    *image = good;
    image->header.e_phnum = 0;
    assert_int_equal(load_whole(image), -ENOEXEC);
    image->header.e_phnum = 65;
    assert_int_equal(load_whole(image), -ENOEXEC);
    image->header.e_phnum = UINT16_MAX;
    assert_int_equal(load_whole(image), -ENOEXEC);
    *image = good;
    image->header.e_phoff = sizeof(*image) - 10;
    assert_int_equal(load_whole(image), -EIO);
    image->header.e_phoff = UINT64_MAX - 8;
    assert_int_equal(load_whole(image), -EIO);
    image->header.e_phoff = INT64_MAX - 8;
    assert_int_equal(load_whole(image), -EIO);
}

static void test_truncated(void **state)
{
    struct elf_image *image = *state;
    struct kernel kernel;

    assert_int_equal(load(image, 0, &kernel), -ENOEXEC);
    assert_int_equal(load(image, 4, &kernel), -ENOEXEC);
    assert_int_equal(load(image, 0x205, &kernel), -ENOEXEC);
    assert_int_equal(load(image, 0x206, &kernel), -EIO);
    assert_int_equal(load(image, sizeof(*image) - 1, &kernel), -EIO);
    image->segments[0].p_offset = UINT64_MAX - 1;
    assert_int_equal(load_whole(image), -EIO);
    image->segments[0].p_offset = INT64_MAX - 1;
    assert_int_equal(load_whole(image), -EIO);
}

static void test_placement(void **state)
{
    static const struct {
        uint64_t address, size;
        int result;
    } cases[] = {
        {0, 4096, -EFAULT},
        {0xff000, 8192, -EFAULT},
        {64 * MIB, 4096, -ENOSPC},
        {64 * MIB - 4096, 8192, -ENOSPC},
        {UINT64_C(0xe0000000), 4096, -ENOSPC},
        {UINT64_MAX - 4095, 4096, -ENOSPC},
        {UINT64_MAX - 4095, 8192, -ENOSPC}, /* address plus size is 4096 again */
        {UINT64_MAX, UINT64_MAX, -ENOSPC},
        {0x200000, UINT64_MAX, -ENOSPC},
        {0x200000, UINT64_MAX - 0x200000 + 1 + 0x300000,
         -ENOEXEC},                 /* wraps to 3 MiB: no room for the file */
        {0x200000, 4095, -ENOEXEC}, /* more bytes than room */
    };
    struct elf_image *image = *state;

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        image->segments[0].p_paddr = cases[i].address;
        image->segments[0].p_memsz = cases[i].size;
        image->segments[0].p_filesz = cases[i].size < 4096 ? 4096 : 16;
        int r = load_whole(image);
        if (i == 9)
            assert_true(r < 0);
        else
            assert_int_equal(r, cases[i].result);
    }
    image->segments[0].p_paddr = 64 * MIB - 4096; /* the last page fits */
    image->segments[0].p_memsz = image->segments[0].p_filesz = 4096;
    image->header.e_entry = 64 * MIB - 1;
    assert_int_equal(load_whole(image), 0);
}

static void test_entry(void **state)
{
    static const uint64_t bad[] = {0,        0x1fffff,   0x201000 /* bss */,
                                   0x400100, UINT64_MAX, 0xffffffff80200010 /* virtual */};
    struct elf_image *image = *state;

    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        image->header.e_entry = bad[i];
        assert_int_equal(load_whole(image), -ENOEXEC);
    }
    image->header.e_entry = 0x400000;
    assert_int_equal(load_whole(image), 0);
    image->segments[0].p_type = image->segments[1].p_type = PT_NULL;
    assert_int_equal(load_whole(image), -ENOEXEC); /* nothing to load at all */
}

/* The failed load of one image leaves the result untouched. */
static void test_untouched(void **state)
{
    struct elf_image *image = *state;
    struct kernel kernel = {.entry = 42};

    image->header.e_entry = 0;
    assert_int_equal(load(image, sizeof(*image), &kernel), -ENOEXEC);
    assert_int_equal(kernel.entry, 42);
}

static void test_no_file(void **state _unused_)
{
    struct kernel kernel;
    int pipes[2];

    assert_int_equal(kernel_load(-1, false, &memory, &kernel), -EBADF);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(kernel_load(pipes[0], false, &memory, &kernel), -ESPIPE);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_good),
        TEST(test_holes_are_left_alone),
        TEST(test_mapped),
        TEST(test_mapped_within_a_page),
        TEST(test_transparent_huge_pages),
        TEST(test_not_for_us),
        TEST(test_headers),
        TEST(test_truncated),
        TEST(test_placement),
        TEST(test_entry),
        TEST(test_untouched),
        TEST(test_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
