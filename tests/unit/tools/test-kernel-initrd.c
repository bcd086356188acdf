/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Initrds, looked through for modules. */
#include "tests/unit/tools/initrd-image.h"
#include "tools/kernel/advice.h"
#include "tools/kernel/initrd.h"

#define MODULES   "virtio\nvirtio_pci\nvirtio_blk"
#define DIRECTORY "usr/lib/modules/" KERNEL_VERSION "/kernel/drivers/"

static int look(const void *data, size_t size, const char *version, char **ret_missing,
                char **ret_why)
{
    _cleanup_close_ int fd = file_of(data, size);

    *ret_missing = *ret_why = NULL;
    return initrd_has_modules(fd, "test", MODULES, version, ret_missing, ret_why);
}

#define MISSING(image, version, expected) missing(image, version, expected, __FILE__, __LINE__)

static void missing(const struct bytes *image, const char *version, const char *expected,
                    const char *file, int line)
{
    _cleanup_free_ char *text = NULL, *why = NULL;

    int r = look(image->data, image->size, version, &text, &why);
    if (r == 0 && (expected ? text && strcmp(text, expected) == 0 : !text))
        return;
    fprintf(stderr, "%s:%d: %d %s: %s (%s expected)\n", file, line, r, why, text, expected);
    _fail(file, line);
}

#define WRONG(image, r, words) wrong(image, r, words, __FILE__, __LINE__)

static void wrong(const struct bytes *image, int expected, const char *words, const char *file,
                  int line)
{
    _cleanup_free_ char *text = NULL, *why = NULL;

    int r = look(image->data, image->size, NULL, &text, &why);
    if (r == expected && why && strstr(why, "test: ") == why && strstr(why, words))
        return;
    fprintf(stderr, "%s:%d: %d (%d expected): %s (%s expected)\n", file, line, r, expected, why,
            words);
    _fail(file, line);
}

/* All of the modules, or all but virtio_pci. */
static struct bytes archive(bool all)
{
    struct bytes cpio = {0};

    cpio_add(&cpio, ".", 040755, "", 0);
    cpio_add(&cpio, "init", 0100755, "#!/bin/sh", 9);
    cpio_add_module(&cpio, DIRECTORY "virtio/virtio.ko.xz");
    if (all)
        cpio_add_module(&cpio, DIRECTORY "virtio/virtio-pci.ko");
    cpio_add_module(&cpio, DIRECTORY "virtio/virtio_pci_legacy_dev.ko");
    cpio_add_module(&cpio, DIRECTORY "block/virtio_blk.ko.zst");
    cpio_end(&cpio);
    return cpio;
}

static void test_packings(void **state _unused_)
{
    _cleanup_bytes_ struct bytes all = archive(true), some = archive(false);

    MISSING(&all, NULL, NULL);
    MISSING(&all, KERNEL_VERSION, NULL);
    MISSING(&all, "6.1.0-10-test", MODULES);
    MISSING(&some, NULL, "virtio_pci");
    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes packed_all = packers[i].pack(all.data, all.size),
                                     packed_some = packers[i].pack(some.data, some.size);
        MISSING(&packed_all, KERNEL_VERSION, NULL);
        MISSING(&packed_some, KERNEL_VERSION, "virtio_pci");
        (void)bytes_grow(&packed_some, 512); /* padding */
        MISSING(&packed_some, NULL, "virtio_pci");
    }
}

/* Early microcode as it is, then packed parts: what one has not, another brings. */
static void test_concatenated(void **state _unused_)
{
    _cleanup_bytes_ struct bytes some = archive(false);

    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes image = {0}, last = {0},
                                     packed = packers[i].pack(some.data, some.size);
        cpio_add(&image, "kernel/x86/microcode/AuthenticAMD.bin", 0100644, "microcode", 9);
        cpio_end(&image);
        bytes_align(&image, 512);
        bytes_add(&image, packed.data, packed.size);
        (void)bytes_grow(&image, 8);
        MISSING(&image, NULL, "virtio_pci");
        bytes_align(&image, 512);
        cpio_add_module(&last, DIRECTORY "virtio/virtio_pci.ko");
        cpio_end(&last);
        _cleanup_bytes_ struct bytes packed_last =
            packers[(i + 1) % ELEMENTSOF(packers)].pack(last.data, last.size);
        bytes_add(&image, packed_last.data, packed_last.size);
        MISSING(&image, NULL, NULL);
    }
    /* Two archives in what is packed as one. */
    _cleanup_bytes_ struct bytes both = archive(false);
    (void)bytes_grow(&both, 256);
    cpio_add_module(&both, DIRECTORY "virtio/virtio_pci.ko");
    cpio_end(&both);
    _cleanup_bytes_ struct bytes packed = pack_zstd(both.data, both.size);
    MISSING(&packed, NULL, NULL);
}

static void test_names(void **state _unused_)
{
    static const char builtin[] =
        "kernel/drivers/virtio/virtio.ko\nkernel/drivers/virtio/virtio_pci.ko\nvirtio_blk";
    _cleanup_bytes_ struct bytes near = {0}, with_builtin = {0};

    cpio_add_module(&near, DIRECTORY "virtio/virtio.koala");
    cpio_add_module(&near, DIRECTORY "virtio/xvirtio.ko");
    cpio_add_module(&near, DIRECTORY "virtio/virtio_blkx.ko");
    cpio_add_module(&near, "etc/virtio_blk.ko");
    cpio_add_module(&near, "xlib/modules/1/virtio_blk.ko");
    cpio_add_module(&near, "lib/modules/virtio_blk.ko");
    cpio_add(&near, DIRECTORY "virtio_blk.ko", 040755, "", 0);
    MISSING(&near, NULL, MODULES); /* no trailer: Linux takes it, too */
    cpio_add(&with_builtin, "lib/modules/" KERNEL_VERSION "/modules.builtin", 0100644, builtin,
             sizeof(builtin) - 1);
    MISSING(&with_builtin, KERNEL_VERSION, "virtio_blk");
    MISSING(&with_builtin, "6.1", MODULES);
}

static void test_wrong(void **state _unused_)
{
    _cleanup_bytes_ struct bytes zeros = {0}, text = {0}, old = {0}, bzip2 = {0},
                                 packed_text = pack_gzip("hello, world", 12);

    (void)bytes_grow(&zeros, 5000);
    WRONG(&zeros, -EBADMSG, "nothing but zeros");
    bytes_add_text(&text, "no initrd at all");
    WRONG(&text, -EBADMSG, "unknown way");
    bytes_add_text(&old, "070707");
    (void)bytes_grow(&old, 200);
    WRONG(&old, -EBADMSG, "newc");
    bytes_add_text(&bzip2, "BZh91AY&SY");
    WRONG(&bzip2, -EOPNOTSUPP, "bzip2");
    WRONG(&packed_text, -EBADMSG, "cut off");
    for (unsigned field = 0; field < 13; field++) {
        _cleanup_bytes_ struct bytes image = archive(false);
        memcpy(image.data + 6 + field * 8, "0000000x", 8);
        if (field == 1 || field == 6 || field == 11)
            WRONG(&image, -EBADMSG, "makes no sense");
        else
            MISSING(&image, NULL, "virtio_pci");
        memcpy(image.data + 6 + field * 8, "FFFFFFFF", 8);
        if (field == 6)
            WRONG(&image, -EBADMSG, "cut off");
        else if (field == 11)
            WRONG(&image, -EBADMSG, "makes no sense");
    }
    _cleanup_bytes_ struct bytes image = archive(false);
    image.data[110 + 1] = 'x'; /* the NUL of the first name */
    WRONG(&image, -EBADMSG, "no end");
}

/* An archive without end in a few bytes. */
static void test_bomb(void **state _unused_)
{
    const size_t size = 48 << 20;
    _cleanup_free_ uint8_t *zeros = calloc(1, size);
    _cleanup_bytes_ struct bytes cpio = {0}, gap = archive(false);

    cpio_add(&cpio, "zeros", 0100644, zeros, size);
    cpio_end(&cpio);
    bytes_add(&gap, zeros, size);
    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes packed = packers[i].pack(cpio.data, cpio.size),
                                     packed_gap = packers[i].pack(gap.data, gap.size);
        WRONG(&packed, -EFBIG, "100 times");
        WRONG(&packed_gap, -EFBIG, "100 times");
    }
    /* More parts than any initrd has. */
    _cleanup_bytes_ struct bytes parts = {0};
    for (unsigned i = 0; i < 1025; i++)
        cpio_end(&parts);
    WRONG(&parts, -EFBIG, "1024 archives");
}

static void test_truncated(void **state _unused_)
{
    _cleanup_bytes_ struct bytes all = archive(false);
    unsigned fds = count_fds();

    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes packed = packers[i].pack(all.data, all.size);
        for (size_t size = 0; size < packed.size; size++) {
            _cleanup_free_ char *text = NULL, *why = NULL;
            assert_int_equal(look(packed.data, size, NULL, &text, &why), -EBADMSG);
        }
    }
    assert_int_equal(count_fds(), fds);
}

static void advise(const char *config, const struct bytes *initrd, const char *expected)
{
    _cleanup_close_ int fd = initrd ? file_of(initrd->data, initrd->size) : -EBADF;
    _cleanup_free_ char *advice = NULL, *why = NULL;

    assert_int_equal(kernel_advice(config, fd, KERNEL_VERSION, &advice, &why), 0);
    assert_null(why);
    if (!expected)
        assert_null(advice);
    else if (!advice || !strstr(advice, expected))
        fail_msg("%s: %s expected", advice, expected);
}

static void refused_initrd(const char *config, const void *data, size_t size, const char *expected)
{
    _cleanup_close_ int fd = file_of(data, size);
    _cleanup_free_ char *advice = NULL, *why = NULL;

    assert_int_equal(kernel_advice(config, fd, KERNEL_VERSION, &advice, &why), -EBADMSG);
    assert_null(advice);
    assert_non_null(why);
    assert_non_null(strstr(why, expected));
}

#define BUILTIN                                                                                    \
    "CONFIG_64BIT=y\nCONFIG_ACPI=y\nCONFIG_PCI=y\nCONFIG_PCI_MSI=y\nCONFIG_BINFMT_ELF=y\n"         \
    "CONFIG_DEVTMPFS=y\nCONFIG_BLK_DEV_INITRD=y\nCONFIG_SMP=y\nCONFIG_KVM_GUEST=y\n"               \
    "CONFIG_SERIAL_8250_CONSOLE=y\nCONFIG_VIRTIO_NET=m\nCONFIG_VIRTIO_CONSOLE=m\n"                 \
    "CONFIG_VIRTIO_VSOCKETS=m\nCONFIG_HW_RANDOM_VIRTIO=m\nCONFIG_ACPI_BUTTON=m\n"                  \
    "CONFIG_INPUT_EVDEV=m\nCONFIG_DMI_SYSFS=m\n"

static void test_advice(void **state _unused_)
{
    static const char builtin[] = BUILTIN
        "CONFIG_VIRTIO_BALLOON=m\nCONFIG_VIRTIO=y\nCONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_BLK=y\n";
    static const char modules[] =
        BUILTIN "CONFIG_VIRTIO=y\nCONFIG_VIRTIO_PCI=m\nCONFIG_VIRTIO_BLK=m\n";
    _cleanup_bytes_ struct bytes all = archive(true), some = archive(false), lzo = {0};

    bytes_add(&lzo, "\x89LZO\0\r\n\x1a\n", 9);
    advise(builtin, NULL, NULL);
    advise(builtin, &some, NULL);
    advise(builtin, &lzo, "warning: its initrd: packed as lzo");
    refused_initrd(builtin, "an initrd", 9, "its initrd: packed in an unknown way");
    refused_initrd(NULL, all.data, all.size - 200, "its initrd: ");
    advise(modules, NULL, "warning: it lacks CONFIG_VIRTIO_PCI: ");
    advise(modules, &all,
           "notice: it goes without CONFIG_VIRTIO_BALLOON: memory that the host takes back");
    advise(modules, &some,
           "warning: its initrd has no virtio_pci for " KERNEL_VERSION ", and the kernel has");
    advise(NULL, &some, "notice: its configuration is not known");
    advise(NULL, &some,
           "notice: its initrd has no virtio_ring virtio_pci for " KERNEL_VERSION "; that is well");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packings), cmocka_unit_test(test_concatenated),
        cmocka_unit_test(test_names),    cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_bomb),     cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_advice),
    };

    return cmocka_run_group_tests_name("kernel-initrd", tests, NULL, NULL);
}
