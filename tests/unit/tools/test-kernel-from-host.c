/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volt-kernel add --from-host: what the host has, with an initrd that a VM can use. */
#include <sys/stat.h>
#include <sys/utsname.h>

#include "tests/unit/tools/initrd-image.h"
#include "tests/unit/tools/kernel-command.h"

#define CONFIG      "CONFIG_VIRTIO=y\nCONFIG_VIRTIO_PCI=m\nCONFIG_VIRTIO_BLK=m\n"
#define DIRECTORY   "lib/modules/" KERNEL_VERSION "/kernel/"
#define GOOD_INITRD "  initrd: 452B, sha256 "

/* The host's release is in the names of its files; what is in them is another version's, as the
 * test has its own kernel. */
static const char *of_host(const char *before, const char *after)
{
    static char name[256];
    struct utsname host;

    assert_int_equal(uname(&host), 0);
    (void)snprintf(name, sizeof(name), "%s%s%s", before, host.release, after);
    return name;
}

/*
 * A host with a kernel, without an initrd, and without a program that makes one. "good" is an
 * initrd that has all, "poor" one that has not.
 */
static struct temporary_dir new_host(void)
{
    struct temporary_dir dir = temporary_dir_new();
    _cleanup_bytes_ struct bytes image = vmlinux_new(NULL), good = {0}, poor = {0};
    char path[PATH_MAX];

    make_dirs(&dir, "etc/volt/vms");
    make_dirs(&dir, "boot");
    make_dirs(&dir, "bin");
    make_dirs(&dir, "tmp");
    make_dirs(&dir, of_host("usr/lib/modules/", ""));
    cpio_add_module(&good, DIRECTORY "virtio_pci.ko");
    cpio_add_module(&good, DIRECTORY "virtio_blk.ko");
    cpio_end(&good);
    cpio_add_module(&poor, DIRECTORY "virtio_pci.ko");
    cpio_end(&poor);
    temporary_write_bytes(&dir, of_host("boot/vmlinuz-", ""), image.data, image.size);
    temporary_write(&dir, of_host("usr/lib/modules/", "/config"), CONFIG);
    temporary_write_bytes(&dir, "good", good.data, good.size);
    temporary_write_bytes(&dir, "poor", poor.data, poor.size);
    assert_int_equal(setenv("PATH", temporary_path(&dir, "bin", path), 1), 0);
    assert_int_equal(setenv("TMPDIR", temporary_path(&dir, "tmp", path), 1), 0);
    return dir;
}

/* NAME in the place of TO. */
static void place(const struct temporary_dir *dir, const char *name, const char *to)
{
    char from[PATH_MAX], path[PATH_MAX];

    (void)unlink(temporary_path(dir, to, path));
    assert_int_equal(link(temporary_path(dir, name, from), path), 0);
}

/* A program that makes the initrd "made", and has its words in the file "called". */
static void write_maker(const struct temporary_dir *dir, const char *name, const char *check_words)
{
    char program[64], path[PATH_MAX], text[4 * PATH_MAX];

    (void)snprintf(text, sizeof(text),
                   "#!/bin/sh\n"
                   "echo \"$0 $*\" >>%s/called\n"
                   "%s\n"
                   "test ! -e %s/broken || { echo 'E: no space left'; exit 1; }\n"
                   "/bin/cp %s/made \"$output\"\n",
                   dir->path, check_words, dir->path, dir->path);
    (void)snprintf(program, sizeof(program), "bin/%s", name);
    temporary_write(dir, program, text);
    assert_int_equal(chmod(temporary_path(dir, program, path), 0755), 0);
}

#define MKINITRAMFS                                                                                \
    "test \"$1 $3\" = '-d -o' && test -d \"$2/scripts\" || exit 2\n"                               \
    ". \"$2/initramfs.conf\"\n"                                                                    \
    "test \"$MODULES $RESUME $5\" = \"most none $(/bin/uname -r)\" || exit 3\n"                    \
    "/bin/grep -qx virtio_blk \"$2/modules\" && /bin/grep -qx virtio_pci \"$2/modules\" || exit "  \
    "4\n"                                                                                          \
    "output=$4"
#define DRACUT                                                                                     \
    "test \"$1 $2 $4 $5\" = '--force --no-hostonly --add-drivers virtio_pci virtio_blk' || exit "  \
    "2\n"                                                                                          \
    "test \"$6 $7\" = \"--kver $(/bin/uname -r)\" || exit 3\n"                                     \
    "output=$8"

static void assert_nothing_left(const struct temporary_dir *dir)
{
    char path[PATH_MAX];

    assert_int_equal(rmdir(temporary_path(dir, "tmp", path)), 0);
    make_dirs(dir, "tmp");
}

#define from_host(status, said, ...)                                                               \
    check(command_add, status, said, WORDS("host"), .from_host = true, .replace = true, __VA_ARGS__)

static void test_an_initrd_that_does_is_taken(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_host();
    char path[PATH_MAX];

    place(&dir, "good", of_host("boot/initrd.img-", ""));
    place(&dir, "poor", "made");
    write_maker(&dir, "mkinitramfs", MKINITRAMFS);
    from_host(0, "added host: " KERNEL_VERSION);
    check(command_show, 0, GOOD_INITRD, WORDS("host"));
    check(command_show, 0, "  config: 56B", WORDS("host"));
    /* One that is named is taken, too; and what it lacks is its owner's to judge. */
    place(&dir, "poor", of_host("boot/initrd.img-", ""));
    from_host(0, "added host: ", .initrd = temporary_path(&dir, "good", path));
    check(command_show, 0, GOOD_INITRD, WORDS("host"));
    from_host(0, "warning: its initrd has no virtio_blk for " KERNEL_VERSION,
              .initrd = temporary_path(&dir, "poor", path));
    assert_false(temporary_exists(&dir, "called"));
}

static void test_without_a_program_that_makes_one(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_host();

    from_host(1, "there is none in /boot, and neither mkinitramfs nor dracut is here");
    place(&dir, "poor", of_host("boot/initrd.img-", ""));
    from_host(1, "it has no virtio_blk, and neither mkinitramfs nor dracut is here to make another "
                 "one (apt install initramfs-tools); or name one: --initrd=FILE");
    check(command_list, 0, "0 kernels", WORDS());
}

static void makes_one(const char *name, const char *check_words)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_host();

    write_maker(&dir, name, check_words);
    place(&dir, "good", "made");
    from_host(0, "there is none in /boot; ");
    check(command_show, 0, GOOD_INITRD, WORDS("host"));
    assert_nothing_left(&dir);
    place(&dir, "poor", of_host("boot/initrd.img-", ""));
    from_host(0, "it has no virtio_blk; ");
    check(command_show, 0, GOOD_INITRD, WORDS("host"));
    check(command_verify, 0, "host: good", WORDS());
    assert_nothing_left(&dir);

    /* One that is damaged does as little. */
    temporary_write(&dir, "damaged", "no initrd");
    place(&dir, "damaged", of_host("boot/initrd.img-", ""));
    from_host(0, "its initrd: packed in an unknown way");
    check(command_show, 0, GOOD_INITRD, WORDS("host"));

    place(&dir, "poor", "made");
    from_host(1, "made: it has no virtio_blk; name one: --initrd=FILE");
    assert_nothing_left(&dir);
    temporary_write(&dir, "broken", "");
    from_host(1, "/log ends with:\n");
    check(command_show, 0, GOOD_INITRD, WORDS("host"));
}

static void test_made_by_mkinitramfs(void **state _unused_)
{
    makes_one("mkinitramfs", MKINITRAMFS);
}

static void test_made_by_dracut(void **state _unused_)
{
    makes_one("dracut", DRACUT);
}

/* Where the configuration is not known, what is missing may be built in. */
static void test_without_a_configuration(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_host();
    char path[PATH_MAX];

    assert_int_equal(unlink(temporary_path(&dir, of_host("usr/lib/modules/", "/config"), path)), 0);
    from_host(1, "there is none in /boot");
    place(&dir, "poor", of_host("boot/initrd.img-", ""));
    from_host(0, "notice: its initrd has no virtio");
    place(&dir, "good", "made");
    write_maker(&dir, "dracut", DRACUT);
    from_host(0, "dracut makes another one");
    check(command_show, 0, GOOD_INITRD, WORDS("host"));
    /* It may do all the same. */
    temporary_write(&dir, "broken", "");
    from_host(0, "/log ends with:\n");
    from_host(0, "notice: its initrd has no virtio");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_initrd_that_does_is_taken),
        cmocka_unit_test(test_without_a_program_that_makes_one),
        cmocka_unit_test(test_made_by_mkinitramfs),
        cmocka_unit_test(test_made_by_dracut),
        cmocka_unit_test(test_without_a_configuration),
    };

    return cmocka_run_group_tests_name("kernel-from-host", tests, NULL, NULL);
}
