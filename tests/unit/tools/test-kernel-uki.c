/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unified kernel images. */
#include <sys/stat.h>

#include "tests/unit/tools/uki-image.h"

/* .cmdline is section 0, .uname 1, .linux 2, .initrd 3. */
static struct bytes whole(void)
{
    _cleanup_bytes_ struct bytes kernel = bzimage_new(&packers[3], "CONFIG_64BIT=y\n");
    struct bytes image = uki_new();

    uki_add_text(&image, ".cmdline", "root=/dev/vda ro \xc3\xa4\n");
    uki_add_text(&image, ".uname", "6.1.0-uname");
    uki_add(&image, ".linux", kernel.data, kernel.size);
    uki_add_text(&image, ".initrd", "070701 an initrd");
    uki_add_text(&image, ".ucode", "microcode");
    return image;
}

static void test_whole(void **state _unused_)
{
    _cleanup_bytes_ struct bytes image = whole();
    struct kernel_import import;
    _cleanup_free_ char *why = NULL;
    char initrd[64] = "";

    assert_int_equal(import_bytes(image.data, image.size, &import, &why), 0);
    assert_string_equal(import.format, "uki");
    assert_string_equal(import.version, KERNEL_VERSION);
    assert_string_equal(import.cmdline, "root=/dev/vda ro \xc3\xa4");
    assert_string_equal(import.config, "CONFIG_64BIT=y\n");
    assert_int_equal(pread(import.initrd_fd, initrd, sizeof(initrd), 0), 16);
    assert_string_equal(initrd, "070701 an initrd");
    kernel_import_done(&import);
    /* As ukify makes .linux: with room in memory that the file does not have. */
    uki_section(&image, 2)[0] += 64 << 20;
    assert_int_equal(import_bytes(image.data, image.size, &import, &why), 0);
    kernel_import_done(&import);
}

static void test_parts(void **state _unused_)
{
    _cleanup_bytes_ struct bytes vmlinux = vmlinux_new(NULL), image = uki_new(), none = uki_new();
    struct kernel_import import;
    _cleanup_free_ char *why = NULL;

    uki_add_text(&none, ".text", "stub");
    REFUSED(&none, -ENOEXEC, "without a .linux section");
    /* Nothing but a kernel, an ELF one; the rest is a profile's. */
    uki_add(&image, ".linux", vmlinux.data, vmlinux.size);
    uki_add_text(&image, ".cmdline", "\n \0");
    uki_add_text(&image, ".profile", "ID=rescue\n");
    uki_add_text(&image, ".cmdline", "rescue");
    uki_add_text(&image, ".initrd", "other");
    assert_int_equal(import_bytes(image.data, image.size, &import, &why), 0);
    assert_string_equal(import.format, "uki (base profile)");
    assert_null(import.cmdline);
    assert_int_equal(import.initrd_fd, -EBADF);
    kernel_import_done(&import);
}

static void test_cmdline(void **state _unused_)
{
    static const struct {
        const char *text;
        size_t size;
        const char *words;
        int r;
    } wrong[] = {
        {"a\nb", 3, "control character 0x0a", -EBADMSG},
        {"a\0b", 3, "control character 00", -EBADMSG},
        {"a\x1b[31m", 6, "one line", -EBADMSG},
        {"a\x7f", 2, "one line", -EBADMSG},
        {"a\xc2\x9b"
         "b",
         4, "one line", -EBADMSG},
    };

    for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
        _cleanup_bytes_ struct bytes image = uki_new();
        uki_add_text(&image, ".linux", "x");
        uki_add(&image, ".cmdline", wrong[i].text, wrong[i].size);
        REFUSED(&image, wrong[i].r, wrong[i].words);
    }
    char text[2049];
    memset(text, 'a', sizeof(text));
    for (size_t size = 2048; size <= 2049; size++) {
        _cleanup_bytes_ struct bytes image = uki_new();
        uki_add_text(&image, ".linux", "x");
        uki_add(&image, ".cmdline", text, size);
        REFUSED(&image, -EFBIG, "more than 2047 characters");
    }
}

static void test_headers(void **state _unused_)
{
    static const struct {
        size_t offset;
        const char *bytes;
        size_t size;
        int r;
        const char *words;
    } wrong[] = {
        {0x3c, "\xff\xff\xff\xff", 4, -EBADMSG, "PE header"},
        {0x3c, "\xff\xff\xff\x7f", 4, -EBADMSG, "PE header"},
        {UKI_PE, "NE", 2, -ENOEXEC, "DOS program"},
        {UKI_PE + 4, "\x64\xaa", 2, -ENOEXEC, "64-bit ARM"},
        {UKI_PE + 4, "\x4c\x01", 2, -ENOEXEC, "32-bit x86"},
        {UKI_PE + 6, "\0\0", 2, -EBADMSG, "make no sense"},
        {UKI_PE + 6, "\xff\xff", 2, -EBADMSG, "make no sense"},
        {UKI_PE + 24, "\x0b\x01", 2, -EBADMSG, "make no sense"},
        {UKI_PE + 20, "\xff\xff", 2, -EBADMSG, "section table"},
    };

    for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
        _cleanup_bytes_ struct bytes image = whole();
        memcpy(image.data + wrong[i].offset, wrong[i].bytes, wrong[i].size);
        REFUSED(&image, wrong[i].r, wrong[i].words);
    }
}

static void test_sections(void **state _unused_)
{
    _cleanup_bytes_ struct bytes image = whole();
    uint32_t *linux_section = uki_section(&image, 2), *initrd = uki_section(&image, 3),
             right = linux_section[3];

    linux_section[3] = UINT32_MAX;
    REFUSED(&image, -EBADMSG, ".linux is not within");
    linux_section[3] = 16; /* in the headers */
    REFUSED(&image, -EBADMSG, ".linux is not within");
    linux_section[3] = right;
    linux_section[0] = linux_section[2] = UINT32_MAX;
    REFUSED(&image, -EBADMSG, ".linux is not within");
    linux_section[0] = linux_section[2] = 4096;
    initrd[3] = right + 4095;
    REFUSED(&image, -EBADMSG, "overlap");
    initrd[3] = right;
    REFUSED(&image, -EBADMSG, "overlap");
    linux_section[0] = 0; /* nothing of the file */
    REFUSED(&image, -ENOEXEC, "without a .linux section");
}

static void test_inside(void **state _unused_)
{
    _cleanup_bytes_ struct bytes inner = whole(), image = uki_new(), bytes = uki_new();

    uki_add(&image, ".linux", inner.data, inner.size); /* one in another */
    REFUSED(&image, -ENOEXEC, "no kernel file");
    uki_add_text(&bytes, ".linux", "nonsense");
    REFUSED(&bytes, -ENOEXEC, "no kernel file");
}

static void test_truncated(void **state _unused_)
{
    _cleanup_bytes_ struct bytes image = whole();
    unsigned fds = count_fds();
    size_t end = uki_section(&image, 3)[3] + 16; /* the last byte that is read */

    for (size_t size = 0; size < end; size++) {
        struct kernel_import import;
        _cleanup_free_ char *why = NULL;
        int r = import_bytes(image.data, size, &import, &why);
        assert_true(size < 2 ? r < 0 : r == -EBADMSG);
    }
    assert_int_equal(count_fds(), fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),     cmocka_unit_test(test_parts),
        cmocka_unit_test(test_cmdline),   cmocka_unit_test(test_headers),
        cmocka_unit_test(test_sections),  cmocka_unit_test(test_inside),
        cmocka_unit_test(test_truncated),
    };

    return cmocka_run_group_tests_name("kernel-uki", tests, NULL, NULL);
}
