/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Debian kernel packages. */
#include "tests/unit/tools/deb-image.h"

static struct bytes whole_data(void)
{
    _cleanup_bytes_ struct bytes kernel = bzimage_new(&packers[1], "CONFIG_EMBEDDED=y\n");
    struct bytes tar = {0};

    tar_add(&tar, "./", '5', "", 0);
    tar_add(&tar, "./boot/", '5', "", 0);
    tar_add_text(&tar, "./boot/System.map-" KERNEL_VERSION, "ffffffff81000000 T _text\n");
    tar_add_text(&tar, "./boot/config-" KERNEL_VERSION, "CONFIG_64BIT=y\n");
    tar_add(&tar, "./boot/vmlinuz-" KERNEL_VERSION, '0', kernel.data, kernel.size);
    tar_add_text(&tar, "./lib/modules/x.ko", "module");
    tar_end(&tar);
    return tar;
}

static void check_whole(const struct bytes *deb, const char *config)
{
    struct kernel_import import;
    _cleanup_free_ char *why = NULL;

    if (import_bytes(deb->data, deb->size, &import, &why) < 0)
        fail_msg("%s", why);
    assert_string_equal(import.format, "deb");
    assert_string_equal(import.version, KERNEL_VERSION);
    assert_string_equal(import.config, config);
    assert_int_equal(import.initrd_fd, -EBADF);
    kernel_import_done(&import);
}

static void test_whole(void **state _unused_)
{
    _cleanup_bytes_ struct bytes data = whole_data();
    _cleanup_bytes_ struct bytes plain = deb_of(DEB_CONTROL, &data, NULL);

    check_whole(&plain, "CONFIG_64BIT=y\n");
    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes deb = deb_of(DEB_CONTROL, &data, &packers[i]);
        check_whole(&deb, "CONFIG_64BIT=y\n");
    }
}

/* Kernels elsewhere; links, directories and long names of the name that is looked for. */
static void test_places(void **state _unused_)
{
    _cleanup_bytes_ struct bytes kernel = bzimage_new(&packers[0], "CONFIG_EMBEDDED=y\n"),
                                 tar = {0};

    tar_add(&tar, "boot/vmlinuz-link", '2', "", 0);
    tar_add(&tar, "boot/vmlinuz-hard", '1', "", 0);
    tar_add(&tar, "boot/vmlinuz-directory", '5', "", 0);
    tar_add_text(&tar, "boot/vmlinuz-empty", "");
    tar_add_text(&tar, "boot/vmlinuz-x/file", "wrong");
    tar_add_text(&tar, "../boot/vmlinuz-x", "wrong");
    tar_add_text(&tar, "/boot/vmlinuz-x", "wrong");
    tar_add(&tar, "././@LongLink", 'L', "a very long name", 16);
    tar_add_text(&tar, "boot/vmlinuz-cut", "wrong");
    tar_add(&tar, "usr/lib/modules/" KERNEL_VERSION "/vmlinuz", '0', kernel.data, kernel.size);
    tar_end(&tar);
    _cleanup_bytes_ struct bytes deb = deb_of(DEB_CONTROL, &tar, &packers[3]);
    check_whole(&deb, "CONFIG_EMBEDDED=y\n");
}

static void test_control(void **state _unused_)
{
    _cleanup_bytes_ struct bytes data = whole_data(), nothing = {0};

    tar_end(&nothing);
    _cleanup_bytes_ struct bytes arm = deb_of("Package: x\nArchitecture: arm64\n", &data,
                                              &packers[0]),
                                 none = deb_of(NULL, &data, &packers[0]),
                                 empty = deb_of("Package: x\n", &data, &packers[0]),
                                 binary = deb_of("Architecture: \x1b[31m\n", &data, &packers[0]),
                                 meta = deb_of(DEB_CONTROL, &nothing, &packers[0]),
                                 other = deb_of("Package: bash\nArchitecture: amd64\n", &nothing,
                                                &packers[0]);
    REFUSED(&arm, -ENOEXEC, "a package for arm64");
    REFUSED(&none, -EBADMSG, "no control file");
    REFUSED(&empty, -EBADMSG, "no architecture");
    REFUSED(&binary, -EBADMSG, "no architecture");
    REFUSED(&meta, -ENOEXEC,
            "one of those that it depends on may have it: kmod, linux-base (>= 4.3)");
    REFUSED(&other, -ENOEXEC, "the package bash has no kernel");
}

static void test_archive(void **state _unused_)
{
    _cleanup_bytes_ struct bytes data = whole_data();
    _cleanup_bytes_ struct bytes deb = deb_of(DEB_CONTROL, &data, NULL), ar = {0}, no_data = {0};
    static const size_t first = 8, size_field = 48;

    bytes_add_text(&ar, "!<arch>\n");
    ar_add(&ar, "x.o/", "object", 6);
    REFUSED(&ar, -ENOEXEC, "no Debian package");
    bytes_add_text(&no_data, "!<arch>\n");
    ar_add(&no_data, "debian-binary", "2.0\n", 4);
    REFUSED(&no_data, -EBADMSG, "is not there");
    memcpy(deb.data + first + size_field, "9999999999", 10);
    REFUSED(&deb, -EBADMSG, "a member has no end");
    memcpy(deb.data + first + size_field, "-1        ", 10);
    REFUSED(&deb, -EBADMSG, "header is wrong");
    memcpy(deb.data + first + size_field, "4         ", 10);
    deb.data[first + 59] = 'x';
    REFUSED(&deb, -EBADMSG, "header is wrong");
    /* A tar header that is not what its checksum says. */
    data.data[512] ^= 1;
    _cleanup_bytes_ struct bytes wrong = deb_of(DEB_CONTROL, &data, &packers[3]);
    REFUSED(&wrong, -EBADMSG, "wrong header");
}

/* Files in it that are larger than any kernel or configuration, or no text. */
static void test_sizes(void **state _unused_)
{
    _cleanup_free_ char *zeros = calloc(1, IMPORT_CONFIG_MAX + 1);
    _cleanup_bytes_ struct bytes large = {0}, binary = {0}, huge = {0}, many = {0};

    tar_add(&large, "./boot/config-x", '0', zeros, IMPORT_CONFIG_MAX + 1);
    tar_end(&large);
    _cleanup_bytes_ struct bytes large_deb = deb_of(DEB_CONTROL, &large, &packers[0]);
    REFUSED(&large_deb, -EFBIG, "config-x in it has 2048 KiB");
    tar_add(&binary, "./boot/config-x\x1b", '0', zeros, 4096);
    _cleanup_bytes_ struct bytes binary_deb = deb_of(DEB_CONTROL, &binary, &packers[0]);
    REFUSED(&binary_deb, -EBADMSG, "config-x? in it is no text");
    tar_add_text(&huge, "./boot/vmlinuz-x", "");
    char *header = (char *)huge.data;
    memcpy(header + 124, "77777777777", 11); /* 8 GiB */
    memset(header + 148, ' ', 8);
    unsigned sum = 0;
    for (unsigned i = 0; i < 512; i++)
        sum += (uint8_t)header[i];
    (void)snprintf(header + 148, 8, "%06o", sum);
    _cleanup_bytes_ struct bytes huge_deb = deb_of(DEB_CONTROL, &huge, &packers[0]);
    REFUSED(&huge_deb, -EFBIG, "limit of 524288 KiB");
    for (unsigned i = 0; i < 9; i++)
        tar_add(&many, "././@LongLink", 'L', "name", 4);
    _cleanup_bytes_ struct bytes many_deb = deb_of(DEB_CONTROL, &many, &packers[0]);
    REFUSED(&many_deb, -EBADMSG, "wrong header");
}

static void test_truncated(void **state _unused_)
{
    _cleanup_bytes_ struct bytes data = whole_data();
    unsigned fds = count_fds();

    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes deb = deb_of(DEB_CONTROL, &data, &packers[i]);
        for (size_t size = 0; size < deb.size - 1; size++) { /* one byte may be padding */
            struct kernel_import import;
            _cleanup_free_ char *why = NULL;
            int r = import_bytes(deb.data, size, &import, &why);
            assert_true(size < 8 ? r < 0 : r == -EBADMSG);
        }
    }
    assert_int_equal(count_fds(), fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),   cmocka_unit_test(test_places),
        cmocka_unit_test(test_control), cmocka_unit_test(test_archive),
        cmocka_unit_test(test_sizes),   cmocka_unit_test(test_truncated),
    };

    return cmocka_run_group_tests_name("kernel-deb", tests, NULL, NULL);
}
