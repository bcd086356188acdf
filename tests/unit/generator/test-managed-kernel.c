// SPDX-License-Identifier: LGPL-2.1-or-later
/* Managed kernels: which one a name means, what its manifest says, and that another file is
 * refused. */
#include "generator/managed-kernel.h"

#include "kernel-dirs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What vmlinux of NAME has, or the sentence that refuses it. */
static void vmlinux_of(const struct temporary_dir *dir, const char *name, bool always, char *buffer,
                       size_t size)
{
    _cleanup_(managed_kernel_done) struct managed_kernel kernel = {.dir.fd = -EBADF};
    _cleanup_free_ char *why = NULL;
    int r = managed_kernel_open(dir->path, name, always, &kernel, &why);

    if (r >= 0)
        r = managed_kernel_take(&kernel, KERNEL_VMLINUX, &why);
    if (r >= 0)
        (void)read_fd(r, buffer, size);
    else
        (void)snprintf(buffer, size, "%s", why);
}

#define is(name, always, text)                                                                     \
    do {                                                                                           \
        char got[1024];                                                                            \
        vmlinux_of(&dir, name, always, got, sizeof(got));                                          \
        if (!strstr(got, text))                                                                    \
            fail_msg("%s: '%s', not '%s'", name, got, text);                                       \
    } while (0)

static void test_layers(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_root();

    make_kernel(&dir, VENDOR "/a", "vendor a");
    make_kernel(&dir, VENDOR "/b", "vendor b");
    make_kernel(&dir, LOCAL "/b", "local b");
    make_link(&dir, LOCAL "/c", "/dev/null");
    make_kernel(&dir, VENDOR "/c", "vendor c");
    make_link(&dir, LOCAL "/alias", "a");
    make_link(&dir, LOCAL "/loop", "loop");
    is("a", false, "vendor a");
    is("b", false, "local b");
    is("alias", false, "vendor a");
    is("c", false, "kernel c is masked: in " VOLT_KERNEL_DIR " it is a link to /dev/null");
    is("loop", false, "kernel loop cannot be opened: Too many levels of symbolic links");
    is("d", false,
       "there is no kernel d in /var/lib/volt/kernels or /usr/lib/volt/kernels: `volt-kernel "
       "list`");
    is("../b", false, "'../b' is no name of a kernel");
    is("default", false, "no kernel is the default, and the VM's file names none");
    make_link(&dir, VENDOR "/default", "a");
    is("default", false, "vendor a");
    make_link(&dir, LOCAL "/default", "b");
    is("default", false, "local b");
    char full[PATH_MAX];
    assert_int_equal(unlink(temporary_path(&dir, LOCAL "/default", full)), 0);
    make_link(&dir, LOCAL "/default", "gone");
    is("default", false, "there is no kernel gone, the default, in");
}

/* What is made by hand boots as it is, links and all. */
static void test_by_hand(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_root();
    _cleanup_(managed_kernel_done) struct managed_kernel kernel = {.dir.fd = -EBADF};
    _cleanup_free_ char *why = NULL, *cmdline = NULL;
    char path[PATH_MAX], text[256];

    make_dirs(&dir, LOCAL "/k");
    is("k", false, "kernel k: cannot use /var/lib/volt/kernels/k/vmlinux: No such file");
    temporary_write(&dir, "elsewhere", "by hand");
    make_link(&dir, LOCAL "/k/vmlinux", temporary_path(&dir, "elsewhere", path));
    is("k", false, "by hand");
    is("k", true, "kernel k has no manifest, which verify = always asks for");
    assert_int_equal(managed_kernel_open(dir.path, "k", false, &kernel, &why), 0);
    assert_int_equal(managed_kernel_take(&kernel, KERNEL_INITRD, &why), -ENOENT);
    assert_null(why);
    assert_int_equal(managed_kernel_cmdline(&kernel, &cmdline, &why), 0);
    assert_string_equal(cmdline, "");
    managed_kernel_describe(&kernel, text, sizeof(text));
    assert_non_null(strstr(text, "made by hand"));
    make_dirs(&dir, LOCAL "/dir/vmlinux");
    is("dir", false, "it is no regular file");
    assert_int_equal(mkdir(temporary_path(&dir, "outside", path), 0755), 0);
    temporary_write(&dir, "outside/vmlinux", "outside");
    make_link(&dir, LOCAL "/out", path);
    is("out", false, "outside");
}

static void set_time(const struct temporary_dir *dir, const char *path, long nanoseconds)
{
    const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000, .tv_nsec = nanoseconds}};
    char full[PATH_MAX];

    assert_int_equal(utimensat(AT_FDCWD, temporary_path(dir, path, full), times, 0), 0);
}

/* The file f with TEXT and a time of its own, open; *RET_ENTRY is what a manifest says of it. */
static int make_file(const struct temporary_dir *dir, const char *text,
                     struct kernel_file_entry *ret_entry)
{
    char path[PATH_MAX];

    temporary_write(dir, "f", text);
    set_time(dir, "f", 123456789);
    entry_of(dir, "f", ret_entry);
    return open(temporary_path(dir, "f", path), O_RDONLY | O_CLOEXEC);
}

static void test_verify(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_root();
    char from[PATH_MAX], to[PATH_MAX];

    make_kernel(&dir, LOCAL "/k", "vmlinux");
    is("k", false, "vmlinux");
    is("k", true, "vmlinux");
    /* Another time, the same bytes: reading them tells. */
    set_time(&dir, LOCAL "/k/vmlinux", 1);
    is("k", false, "vmlinux");
    temporary_write(&dir, LOCAL "/k/vmlinux", "vmlinuz");
    is("k", false, "kernel k: vmlinux is not what the manifest says (sha256 ");
    is("k", true, "`volt-kernel verify k` tells more");
    temporary_write(&dir, LOCAL "/k/vmlinux", "vmlinux longer");
    is("k", false, "(14 bytes, expected 7)");
    /* No link stands for a file of a kernel that has a manifest. */
    (void)temporary_path(&dir, LOCAL "/k/vmlinux", from);
    assert_int_equal(rename(from, temporary_path(&dir, "vmlinux", to)), 0);
    assert_int_equal(symlink(to, from), 0);
    is("k", false, "it is a link");
    assert_int_equal(unlink(from), 0);
    is("k", false, "cannot use /var/lib/volt/kernels/k/vmlinux: No such file");
    temporary_write(&dir, LOCAL "/k/manifest", "VERSION=1\n");
    is("k", false, "kernel k: its manifest cannot be used: there is no VMLINUX_SHA256");
}

/* Size and time are believed where nobody asks for more: that is what makes a start quick. */
static void test_auto_reads_nothing(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_root();
    struct kernel_file_entry entry;
    _cleanup_free_ char *why = NULL;
    const char *how;

    _cleanup_close_ int fd = make_file(&dir, "vmlinux", &entry);
    temporary_write(&dir, "f", "vmlinuz");
    set_time(&dir, "f", 123456789);
    assert_int_equal(kernel_verify(fd, &entry, false, &how, &why), 0);
    assert_string_equal(how, "size and time");
    assert_int_equal(kernel_verify(fd, &entry, true, &how, &why), -EBADMSG);
    set_time(&dir, "f", 123456788);
    free(why);
    assert_int_equal(kernel_verify(fd, &entry, false, &how, &why), -EBADMSG);
    assert_int_equal(strncmp(why, "sha256 ", 7), 0);
}

/* A file that was sealed, and is not any more, is read, whatever its time says. */
static void test_a_seal_that_is_gone(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = new_root();
    struct kernel_file_entry entry;
    _cleanup_free_ char *why = NULL;
    const char *how;

    _cleanup_close_ int fd = make_file(&dir, "vmlinux", &entry);
    (void)snprintf(entry.verity, sizeof(entry.verity), "sha256:00");
    assert_int_equal(kernel_verify(fd, &entry, false, &how, &why), 0);
    assert_string_equal(how, "sha256");
    temporary_write(&dir, "f", "vmlinuz");
    set_time(&dir, "f", 123456789);
    assert_int_equal(kernel_verify(fd, &entry, false, &how, &why), -EBADMSG);
    assert_int_equal(strncmp(why, "sha256 ", 7), 0);
}

#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define GOOD   "VERSION=1\nVMLINUX_SHA256=" DIGEST "\nVMLINUX_SIZE=0\nVMLINUX_MTIME=1.000000001\n"

static void test_manifest(void **state _unused_)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "there is no VERSION"},
        {"VERSION=1\n", "there is no VMLINUX_SHA256"},
        {"VERSION=\n", "line 1: VERSION has no value"},
        {"VERSION=a b\n", "line 1: VERSION has a blank"},
        {GOOD "VERSION=2\n", "line 5: VERSION is there twice"},
        {GOOD "VMLINUX_SIZE=0\n", "line 5: VMLINUX_SIZE is there twice"},
        {GOOD "x\n", "line 5: 'x' is no KEY=VALUE"},
        {GOOD "=x\n", "line 5: '=x' is no KEY=VALUE"},
        {GOOD "\n#\nA=\x1b[1m\n", "line 7: a character that is not printable"},
        {GOOD "INITRD_SIZE=1\n",
         "not all of INITRD_SHA256, INITRD_SIZE and INITRD_MTIME are there"},
        {GOOD "INITRD_SIZE=-1\n", "line 5: '-1' is no value of INITRD_SIZE"},
        {GOOD "INITRD_SIZE=9999999999999\n", "line 5: '9999999999999' is no value of INITRD_SIZE"},
        {GOOD "INITRD_SIZE=99999999999999999999\n",
         "line 5: '99999999999999999999' is no value of INITRD_SIZE"},
        {GOOD "INITRD_MTIME=1\n", "line 5: '1' is no value of INITRD_MTIME"},
        {GOOD "INITRD_MTIME=1.5\n", "line 5: '1.5' is no value of INITRD_MTIME"},
        {GOOD "INITRD_SHA256=00\n", "line 5: '00' is no value of INITRD_SHA256"},
        {GOOD "INITRD_VERITY=\n", "line 5: '' is no value of INITRD_VERITY"},
    };
    struct kernel_manifest manifest = {0};
    _cleanup_free_ char *why = NULL, *again = NULL;
    size_t size;

    assert_int_equal(
        kernel_manifest_read(GOOD "LATER=x\nINITRD_LATER=y\n", strlen(GOOD) + 23, &manifest, &why),
        0);
    assert_true(manifest.files[KERNEL_VMLINUX].there);
    assert_false(manifest.files[KERNEL_INITRD].there);
    assert_int_equal(manifest.files[KERNEL_VMLINUX].mtime.tv_nsec, 1);
    FILE *f = open_memstream(&again, &size);
    kernel_manifest_write(f, &manifest);
    assert_int_equal(fclose(f), 0);
    assert_string_equal(strchr(again, '\n') + 1, GOOD);
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        _cleanup_free_ char *reason = NULL;

        assert_int_equal(kernel_manifest_read(bad[i].text, strlen(bad[i].text), &manifest, &reason),
                         -EINVAL);
        assert_string_equal(reason, bad[i].why);
    }
    assert_int_equal(kernel_manifest_read("VERSION=1\0", 10, &manifest, &why), -EINVAL);
    assert_string_equal(why, "it has a zero byte");
}

static void test_names(void **state _unused_)
{
    char name[KERNEL_NAME_MAX + 2] = {0}, text[8];

    assert_true(kernel_name_is_valid("debian-12"));
    assert_true(kernel_name_is_valid("6.1_x"));
    assert_false(kernel_name_is_valid(""));
    assert_false(kernel_name_is_valid(".hidden"));
    assert_false(kernel_name_is_valid("-x"));
    assert_false(kernel_name_is_valid("a/b"));
    assert_false(kernel_name_is_valid("a b"));
    assert_false(kernel_name_is_valid("a\n"));
    assert_false(kernel_name_is_valid("\xc3\xa4"));
    memset(name, 'a', KERNEL_NAME_MAX);
    assert_true(kernel_name_is_valid(name));
    name[KERNEL_NAME_MAX] = 'a';
    assert_false(kernel_name_is_valid(name));
    kernel_manifest_set(text, sizeof(text),
                        "a\nb\xff"
                        "cdefgh");
    assert_string_equal(text, "a?b?cde");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_auto_reads_nothing),
        cmocka_unit_test(test_a_seal_that_is_gone),
        cmocka_unit_test(test_manifest),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
