// SPDX-License-Identifier: LGPL-2.1-or-later
/* What volt-vmm's command line is told of a managed kernel. */
#include "kernel-dirs.h"

static void test_what_the_vmm_is_told(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_root();
    _cleanup_(managed_kernel_done) struct managed_kernel kernel = {.dir.fd = -EBADF};
    _cleanup_free_ char *why = NULL, *cmdline = NULL;
    char text[256] = "", path[PATH_MAX];
    int fd;

    make_kernel(&dir, LOCAL "/k", "vmlinux");
    make_link(&dir, LOCAL "/default", "k");
    assert_int_equal(managed_kernel_open(dir.path, "default", true, &kernel, &why), 0);
    fd = managed_kernel_take(&kernel, KERNEL_INITRD, &why);
    assert_true(fd >= 0);
    (void)read_fd(fd, text, sizeof(text));
    assert_string_equal(text, "text");
    managed_kernel_describe(&kernel, text, sizeof(text));
    assert_int_equal(strncmp(text, "Kernel k: 6.1.0-1-test, sha256 ", 31), 0);
    assert_int_equal(managed_kernel_cmdline(&kernel, &cmdline, &why), 0);
    assert_string_equal(cmdline, "quiet x=\"a $b\"");
    assert_int_equal(managed_kernel_tell(&kernel, cmdline, dir.path, "run"), 0);
    fd = open(temporary_path(&dir, "run/environment", path), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    (void)read_fd(fd, text, sizeof(text));
    assert_string_equal(text, "VOLT_KERNEL_CMDLINE=\"quiet x=\\\"a \\$b\\\"\"\nVOLT_KERNEL=k\n"
                              "VOLT_KERNEL_MAP=no\n");
}

static void is_mapped(const struct temporary_dir *dir, const char *name, bool always,
                      const char *expected)
{
    _cleanup_(managed_kernel_done) struct managed_kernel kernel = {.dir.fd = -EBADF};
    _cleanup_free_ char *why = NULL;
    char text[256] = "", path[PATH_MAX];

    assert_int_equal(managed_kernel_open(dir->path, name, always, &kernel, &why), 0);
    assert_int_equal(managed_kernel_tell(&kernel, "", dir->path, "run"), 0);
    int fd = open(temporary_path(dir, "run/environment", path), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    (void)read_fd(fd, text, sizeof(text));
    assert_non_null(strstr(text, expected));
}

/* Somebody may write over one that was made by hand while a guest runs; and where each byte is to
 * be verified, none is read once more. */
static void test_only_what_cannot_change_is_mapped(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_root();

    make_kernel(&dir, LOCAL "/added", "vmlinux");
    make_dirs(&dir, LOCAL "/by-hand");
    temporary_write(&dir, LOCAL "/by-hand/vmlinux", "x");
    is_mapped(&dir, "added", false, "VOLT_KERNEL_MAP=yes\n");
    is_mapped(&dir, "added", true, "VOLT_KERNEL_MAP=no\n");
    is_mapped(&dir, "by-hand", false, "VOLT_KERNEL_MAP=no\n");
}

static void test_cmdline_is_one_line(void **state _unused_)
{
    static const char *const bad[] = {"a\nb", "a\tb", "\x7f", "\xc3\xa4", "a\n\n"};
    _cleanup_temporary_dir_ struct temporary_dir dir = new_root();

    make_dirs(&dir, LOCAL "/k");
    temporary_write(&dir, LOCAL "/k/vmlinux", "x");
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        _cleanup_(managed_kernel_done) struct managed_kernel kernel = {.dir.fd = -EBADF};
        _cleanup_free_ char *why = NULL, *cmdline = NULL;

        temporary_write(&dir, LOCAL "/k/cmdline", bad[i]);
        assert_int_equal(managed_kernel_open(dir.path, "k", false, &kernel, &why), 0);
        assert_int_equal(managed_kernel_cmdline(&kernel, &cmdline, &why), -EINVAL);
        assert_string_equal(why, "kernel k: its cmdline is not one line of printable characters");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_vmm_is_told),
        cmocka_unit_test(test_only_what_cannot_change_is_mapped),
        cmocka_unit_test(test_cmdline_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
