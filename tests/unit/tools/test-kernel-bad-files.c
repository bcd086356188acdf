/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volt-kernel add, with files that are no kernels or no initrds, or not whole: each is refused with
 * a clear word, also in the place of a kernel that is there, and the store stays as it is. */
#include <sys/stat.h>

#include "tests/unit/tools/initrd-image.h"
#include "tests/unit/tools/kernel-command.h"

#define CONFIG "CONFIG_X86_64=y\n"

/* With the files "image" and "initrd", a kernel "a" of them, and its own directory for what is
 * temporary. */
static struct temporary_dir new_store(void)
{
    struct temporary_dir dir = temporary_dir_new();
    _cleanup_bytes_ struct bytes image = vmlinux_new(CONFIG), initrd = {0};
    char path[PATH_MAX], other[PATH_MAX];

    make_dirs(&dir, "etc/volt/vms");
    make_dirs(&dir, "tmp");
    assert_int_equal(setenv("TMPDIR", temporary_path(&dir, "tmp", path), 1), 0);
    cpio_add_module(&initrd, "lib/modules/" KERNEL_VERSION "/kernel/virtio_blk.ko");
    cpio_end(&initrd);
    temporary_write_bytes(&dir, "image", image.data, image.size);
    temporary_write_bytes(&dir, "initrd", initrd.data, initrd.size);
    check(command_add, 0,
          "added a: ", WORDS("a", (char *)(uintptr_t)temporary_path(&dir, "image", path)),
          .initrd = temporary_path(&dir, "initrd", other), .cmdline = "quiet");
    return dir;
}

/* All that there is, with its content; what is written meanwhile would stand in it, too. */
static char *picture(const struct temporary_dir *dir)
{
    char command[3 * PATH_MAX], *text = calloc(1, 65536);

    (void)snprintf(command, sizeof(command),
                   "cd %s && find var tmp | LC_ALL=C sort && find var -type f | LC_ALL=C sort | "
                   "xargs sha256sum",
                   dir->path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(text);
    assert_true(fread(text, 1, 65535, pipe) > 100);
    assert_int_equal(pclose(pipe), 0);
    return text;
}

/* The file "bad", as the kernel or as its initrd. */
static void refused_by_store(const struct temporary_dir *at, bool as_initrd, const char *expected)
{
    const struct temporary_dir dir = *at;
    char bad[PATH_MAX], image[PATH_MAX];
    _cleanup_free_ char *before = picture(at), *after = NULL;
    const char *initrd = as_initrd ? bad : NULL;

    (void)temporary_path(at, "bad", bad);
    (void)temporary_path(at, "image", image);
    check(command_add, 1, expected, WORDS("b", as_initrd ? image : bad), .initrd = initrd);
    check(command_add, 1, expected, WORDS("a", as_initrd ? image : bad), .initrd = initrd,
          .replace = true);
    after = picture(at);
    assert_string_equal(before, after);
    check(command_verify, 0, "a: good (" KERNEL_VERSION ", 4 files)\n", WORDS());
}

static void bytes_refused(const struct temporary_dir *dir, bool as_initrd, const void *data,
                          size_t size, const char *expected)
{
    temporary_write_bytes(dir, "bad", data, size);
    refused_by_store(dir, as_initrd, expected);
}

static void test_kernels(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_store();
    _cleanup_bytes_ struct bytes vmlinux = vmlinux_new(CONFIG), initrd = {0};

    bytes_refused(&dir, false, vmlinux.data, vmlinux.size / 2, "cut off");
    vmlinux_header(&vmlinux)->e_machine = EM_AARCH64;
    bytes_refused(&dir, false, vmlinux.data, vmlinux.size, "64-bit ARM");
    bytes_refused(&dir, false, "no kernel at all", 16,
                  "no kernel file; a kernel is an ELF vmlinux");
    bytes_refused(&dir, false, "", 0, "is empty");
    cpio_end(&initrd);
    bytes_refused(&dir, false, initrd.data, initrd.size, "an initrd (--initrd)");
    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes image = bzimage_new(&packers[i], CONFIG);

        bytes_refused(&dir, false, image.data, image.size / 2, "cut off");
        if (strncmp(packers[i].name, "lz", 2) == 0) /* lz4, lzma: without a checksum */
            continue;
        image.data[image.size - 100] ^= 0x55;
        bytes_refused(&dir, false, image.data, image.size, "damaged");
    }
}

static void test_initrds(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_store();
    _cleanup_bytes_ struct bytes vmlinux = vmlinux_new(CONFIG), initrd = {0};

    cpio_add(&initrd, "init", 0100755, "#!/bin/sh", 9);
    cpio_end(&initrd);
    bytes_refused(&dir, true, vmlinux.data, vmlinux.size,
                  "/bad: its initrd: packed in an unknown way");
    bytes_refused(&dir, true, "no initrd at all", 16, "/bad: its initrd: packed in an unknown way");
    bytes_refused(&dir, true, initrd.data, initrd.size / 2, "/bad: its initrd: ");
    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes packed = packers[i].pack(initrd.data, initrd.size);

        bytes_refused(&dir, true, packed.data, packed.size / 2, "/bad: its initrd: ");
    }
}

/* 2 GB, of which the beginning is a kernel, or an initrd; and what unpacks to zeros without end. */
static void test_too_large(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_store();
    const size_t size = 48 << 20;
    _cleanup_free_ uint8_t *zeros = calloc(1, size);
    char path[PATH_MAX], command[3 * PATH_MAX];

    assert_non_null(zeros);
    for (int as_initrd = 0; as_initrd < 2; as_initrd++) {
        (void)snprintf(command, sizeof(command), "cp %s/%s %s/bad", dir.path,
                       as_initrd ? "initrd" : "image", dir.path);
        assert_int_equal(system(command), 0);
        assert_int_equal(truncate(temporary_path(&dir, "bad", path), (off_t)(2 * GIB)), 0);
        refused_by_store(&dir, as_initrd,
                         "2048 MiB are more than the 1024 MiB that are read of a file");
    }
    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes packed = packers[i].pack(zeros, size);
        _cleanup_bytes_ struct bytes image = bzimage_of(&packed, size);

        bytes_refused(&dir, false, image.data, image.size, "more than 100 times their size");
    }
}

static void test_no_files(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_store();
    char path[PATH_MAX];

    assert_int_equal(mkfifo(temporary_path(&dir, "bad", path), 0600), 0);
    refused_by_store(&dir, false, "is no regular file");
    refused_by_store(&dir, true, "is no regular file");
    assert_int_equal(unlink(path), 0);
    refused_by_store(&dir, false, "No such file or directory");
    refused_by_store(&dir, true, "No such file or directory");
    assert_int_equal(symlink("bad", path), 0);
    refused_by_store(&dir, false, "Too many levels of symbolic links");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_initrds),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_no_files),
    };

    return cmocka_run_group_tests_name("kernel-bad-files", tests, NULL, NULL);
}
