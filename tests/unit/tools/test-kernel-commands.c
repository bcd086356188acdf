/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands of volt-kernel, with kernels as they come, and VMs that name them. */
#include <sys/stat.h>

#include "tests/unit/tools/deb-image.h"
#include "tests/unit/tools/initrd-image.h"
#include "tests/unit/tools/kernel-command.h"

#define UUID_A "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define UUID_B "7ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define CONFIG "CONFIG_X86_64=y\n"

/* With a kernel and an initrd, the files "image" and "initrd" there. */
static struct temporary_dir new_root(void)
{
    struct temporary_dir dir = temporary_dir_new();
    _cleanup_bytes_ struct bytes image = vmlinux_new(CONFIG), initrd = {0};

    make_dirs(&dir, "etc/volt/vms");
    cpio_end(&initrd);
    temporary_write_bytes(&dir, "image", image.data, image.size);
    temporary_write_bytes(&dir, "initrd", initrd.data, initrd.size);
    return dir;
}

static void test_add_and_tell(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_root();
    char image[PATH_MAX], initrd[PATH_MAX];

    (void)temporary_path(&dir, "image", image);
    (void)temporary_path(&dir, "initrd", initrd);
    check(command_list, 0, "0 kernels; none is the default.", WORDS());
    check(command_default, 1, "no kernel is the default", WORDS());
    check(command_add, 0, "added a: " KERNEL_VERSION ", elf, ", WORDS("a", image), .initrd = initrd,
          .cmdline = "quiet x=\"y\"");
    check(command_default, 0, "a\n", WORDS());
    check(command_add, 0, "added b: ", WORDS("b", image));
    check(command_add, 1, "there is a kernel a already; --replace", WORDS("a", image));
    check(command_add, 0, "added a: ", WORDS("a", image), .replace = true, .initrd = initrd,
          .cmdline = "quiet x=\"y\"");
    check(command_list, 0, "* a    " KERNEL_VERSION, WORDS());
    check(command_list, 0, "2 kernels; a is the default.", WORDS());
    check(command_list, 0, "\"version\":\"" KERNEL_VERSION "\"", WORDS(), .json = true);
    check(command_show, 0, "a - " KERNEL_VERSION " (the default)\n", WORDS("a"));
    check(command_show, 0, "Words: quiet x=\"y\"\n", WORDS("a"));
    check(command_show, 0, "  initrd: 124B, sha256 ", WORDS("default"));
    check(command_show, 1, "there is no kernel c in /var/lib/volt/kernels", WORDS("c"));
    check(command_verify, 0, "a: good (" KERNEL_VERSION ", 4 files)\nb: good (", WORDS());
    check(command_default, 0, "b is the default now", WORDS("b"));
    check(command_default, 1, "there is no kernel c", WORDS("c"));
    check(command_default, 0, "b\n", WORDS());
}

static void test_what_cannot_be_added(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_root();
    char image[PATH_MAX], other[PATH_MAX], words[1792 + 2];

    (void)temporary_path(&dir, "image", image);
    check(command_add, 2, "'../a' cannot be a kernel's name", WORDS("../a", image));
    check(command_add, 2, "'' cannot be a kernel's name", WORDS("", image));
    check(command_add, 2, "'.a' cannot be a kernel's name", WORDS(".a", image));
    check(command_add, 2, "'default' is the name of the default", WORDS("default", image));
    check(command_add, 2, "expected a NAME and an IMAGE", WORDS("a"));
    check(command_add, 2, "expected a NAME and an IMAGE", WORDS("a", image), .from_host = true);
    check(command_add, 1, "cannot open /nonexistent: No such file", WORDS("a", "/nonexistent"));
    check(command_add, 1, "/dev/zero is no regular file", WORDS("a", "/dev/zero"));
    check(command_add, 1, "cannot open /nonexistent", WORDS("a", image), .initrd = "/nonexistent");
    check(command_add, 1, "not all printable", WORDS("a", image), .cmdline = "a\nb");
    check(command_add, 1, "not all printable", WORDS("a", image), .cmdline = "\xc3\xa4");
    memset(words, 'x', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    check(command_add, 1, "longer than 1792", WORDS("a", image), .cmdline = words);
    temporary_write(&dir, "text", "no kernel at all, but a text\n");
    check(command_add, 1, "text",
          WORDS("a", (char *)(uintptr_t)temporary_path(&dir, "text", other)));
    check(command_add, 1, "this host runs ", WORDS("a"), .from_host = true);
    check(command_list, 0, "0 kernels", WORDS());
    check(command_gc, 0, "removed 0 left behind", WORDS());
}

/* As Debian has them in /boot. */
static void test_a_configuration_beside_it(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_bytes_ struct bytes image = vmlinux_new(NULL);
    char path[PATH_MAX], config[PATH_MAX];

    make_dirs(&dir, "etc/volt/vms");
    temporary_write_bytes(&dir, "vmlinuz-1", image.data, image.size);
    temporary_write_bytes(&dir, "kernel-1", image.data, image.size);
    temporary_write(&dir, "config-1", CONFIG);
    temporary_write(&dir, "other", "CONFIG_PCI=y\nCONFIG_ACPI=y\n");
    (void)temporary_path(&dir, "vmlinuz-1", path);
    check(command_add, 0, "it lacks CONFIG_PCI: ", WORDS("a", path));
    check(command_show, 0, "  config: 16B", WORDS("a"));
    check(command_add, 0, "added b", WORDS("b", path),
          .config = temporary_path(&dir, "other", config));
    check(command_show, 0, "  config: 27B", WORDS("b"));
    check(command_add, 0, "its configuration is not known",
          WORDS("c", (char *)(uintptr_t)temporary_path(&dir, "kernel-1", path)));
    assert_int_equal(unlink(temporary_path(&dir, "config-1", path)), 0);
    check(command_add, 0, "its configuration is not known",
          WORDS("d", (char *)(uintptr_t)temporary_path(&dir, "vmlinuz-1", path)));
}

static void test_a_package_without_an_initrd(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_root();
    _cleanup_bytes_ struct bytes image = vmlinux_new(CONFIG), tar = {0}, deb = {0};
    char path[PATH_MAX], initrd[PATH_MAX];

    tar_add(&tar, "./boot/vmlinuz-" KERNEL_VERSION, '0', image.data, image.size);
    tar_end(&tar);
    deb = deb_of(DEB_CONTROL, &tar, NULL);
    temporary_write_bytes(&dir, "deb", deb.data, deb.size);
    (void)temporary_path(&dir, "deb", path);
    check(command_add, 0, "(--initrd=/boot/initrd.img-" KERNEL_VERSION " there)", WORDS("a", path));
    check(command_add, 0, "added b", WORDS("b", path),
          .initrd = temporary_path(&dir, "initrd", initrd));
    check(command_show, 0, "  initrd: 124B", WORDS("b"));
}

static void test_a_kernel_that_is_named_stays(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_root();
    char image[PATH_MAX];

    (void)temporary_path(&dir, "image", image);
    check(command_add, 0, "a is the default now, as there was none", WORDS("a", image));
    check(command_add, 0, "added b", WORDS("b", image));
    check(command_add, 0, "added c", WORDS("c", image));
    temporary_write(&dir, "etc/volt/vms/web.ini", "[vm]\nuuid=" UUID_A "\n");
    temporary_write(&dir, "etc/volt/vms/db.ini", "[vm]\nuuid=" UUID_B "\nkernel=b\n");
    check(command_show, 0, "     VMs: web\n", WORDS("a"));
    check(command_remove, 1, "a stays: web (web.ini) names no kernel, and it is the default",
          WORDS("a"));
    check(command_remove, 1, "b stays: db names it (db.ini)", WORDS("b"));
    /* By a path, which is the same kernel. */
    temporary_write(&dir, "etc/volt/vms/db.ini",
                    "[vm]\nuuid=" UUID_B "\nkernel=/var/lib/volt/kernels/b/vmlinux\n");
    check(command_remove, 1, "b stays: db names it (db.ini)", WORDS("b"));
    temporary_write(&dir, "etc/volt/vms/db.ini",
                    "[vm]\nuuid=" UUID_B "\nkernel=/k\ninitrd=/var/lib/volt/kernels/b/initrd\n");
    check(command_remove, 1, "b stays: db names it (db.ini)", WORDS("b"));
    /* One that runs, whatever its file says by now. */
    make_dirs(&dir, "run/volt/vm/" UUID_B);
    temporary_write(&dir, "run/volt/vm/" UUID_B "/environment",
                    "VOLT_KERNEL_CMDLINE=\"\"\nVOLT_KERNEL=c\n");
    check(command_remove, 1, "c stays: db runs with it", WORDS("c"));
    check(command_show, 0, "VMs: db (runs)\n", WORDS("c"));
    check(command_add, 0, "db runs with the one before until its next start", WORDS("c", image),
          .replace = true);
    temporary_write(&dir, "run/volt/vm/" UUID_B "/environment", "VOLT_KERNEL=../x\n");
    check(command_remove, 0, "removed c", WORDS("c"));
    check(command_remove, 1, "there is no kernel c", WORDS("c"));
    /* A file that nobody can read may name any. */
    temporary_write(&dir, "etc/volt/vms/db.ini", "[vm]\nuuid=" UUID_B "\nkernel=/k\n");
    make_dirs(&dir, "etc/volt/vms/odd.ini");
    check(command_remove, 1, "b stays: odd.ini cannot be read, and may name it", WORDS("b"));
    check(command_gc, 1, "b stays: odd.ini cannot be read", WORDS(), .unused = true);
    assert_int_equal(rmdir(temporary_path(&dir, "etc/volt/vms/odd.ini", image)), 0);
    check(command_gc, 0, "removed b\n", WORDS(), .unused = true);
    check(command_gc, 0, "and no kernel: all are named", WORDS(), .unused = true);
    assert_int_equal(unlink(temporary_path(&dir, "etc/volt/vms/web.ini", image)), 0);
    check(command_remove, 0, "removed a; no kernel is the default now", WORDS("a"));
}

static void test_the_vendors(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_root();
    char image[PATH_MAX], path[PATH_MAX];

    (void)temporary_path(&dir, "image", image);
    make_dirs(&dir, "usr/lib/volt/kernels/v");
    temporary_write(&dir, "usr/lib/volt/kernels/v/vmlinux", "x");
    check(command_list, 0, "v    (made by hand)", WORDS());
    check(command_verify, 0, "v: made by hand", WORDS());
    check(command_remove, 1, "v is the vendor's, in /usr/lib/volt/kernels; `ln -s /dev/null",
          WORDS("v"));
    check(command_add, 0, "added v", WORDS("v", image));
    check(command_verify, 0, "v: good", WORDS("v"));
    check(command_remove, 0, "v is the vendor's in /usr/lib/volt/kernels from now on", WORDS("v"));
    assert_int_equal(symlink("/dev/null", temporary_path(&dir, "var/lib/volt/kernels/v", path)), 0);
    check(command_list, 0, "v    (masked)", WORDS());
    check(command_show, 1, "kernel v is masked", WORDS("v"));
    check(command_verify, 0, "", WORDS());
    check(command_default, 1, "kernel v is masked", WORDS("v"));
    check(command_remove, 0, "removed v", WORDS("v"));
    check(command_default, 0, "v is the default now", WORDS("v"));
}

static void test_what_is_wrong_is_told(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_root();
    char image[PATH_MAX], path[PATH_MAX];

    (void)temporary_path(&dir, "image", image);
    check(command_add, 0, "added a", WORDS("a", image), .cmdline = "quiet");
    temporary_write(&dir, "var/lib/volt/kernels/a/cmdline", "debug");
    check(command_verify, 1, "a: cmdline: it is not what the manifest says: sha256 ", WORDS());
    check(command_verify, 1, "a: 1 of 3 files is wrong", WORDS("a"));
    assert_int_equal(unlink(temporary_path(&dir, "var/lib/volt/kernels/a/cmdline", path)), 0);
    check(command_verify, 1, "a: cmdline: it is missing", WORDS());
    assert_int_equal(truncate(temporary_path(&dir, "var/lib/volt/kernels/a/vmlinux", path), 100),
                     0);
    check(command_verify, 1, "a: vmlinux: it is not what the manifest says: 100 bytes, expected ",
          WORDS());
    temporary_write(&dir, "var/lib/volt/kernels/a/manifest", "\x1b[2J");
    check(command_verify, 1, "a: its manifest cannot be used: line 1: a character", WORDS());
    check(command_list, 0, "(broken)", WORDS());
    check(command_show, 0, "a - (broken)", WORDS("a"));
    make_dirs(&dir, "var/lib/volt/kernels/empty");
    check(command_list, 0, "empty (broken)", WORDS());
    temporary_write(&dir, "var/lib/volt/kernels/file", "");
    make_dirs(&dir, "var/lib/volt/kernels/.a.new/x");
    check(command_gc, 0, "removed 1 left behind", WORDS());
    check(command_remove, 0, "removed a", WORDS("a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_and_tell),
        cmocka_unit_test(test_what_cannot_be_added),
        cmocka_unit_test(test_a_configuration_beside_it),
        cmocka_unit_test(test_a_package_without_an_initrd),
        cmocka_unit_test(test_a_kernel_that_is_named_stays),
        cmocka_unit_test(test_the_vendors),
        cmocka_unit_test(test_what_is_wrong_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
