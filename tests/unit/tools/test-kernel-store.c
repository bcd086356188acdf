/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store of kernels: what is added, replaced and removed; by several at once, without room,
 * without a right. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/tools/kernel-store.h"

static void test_add_replace_remove(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_free_ char *why = NULL;
    char target[KERNEL_NAME_MAX + 1];

    added(dir.path, "a", "1", false);
    added(dir.path, "b", "1", true); /* there is none to be replaced: no error */
    assert_int_equal(add(dir.path, "a", "2", false, &why), -EEXIST);
    assert_string_equal(why, "there is a kernel a already; --replace puts this one in its place");
    assert_version(dir.path, "a", "1");
    added(dir.path, "a", "2", true);
    assert_version(dir.path, "a", "2");
    assert_version(dir.path, "b", "1");
    assert_int_equal(choose(dir.path, "a"), 0);
    assert_int_equal(choose(dir.path, "b"), 0);
    assert_int_equal(kernel_store_link(dir.path, KERNEL_LAYER_LOCAL, "default", target), 0);
    assert_string_equal(target, "b");
    assert_int_equal(choose(dir.path, NULL), 0);
    assert_int_equal(choose(dir.path, NULL), 0);
    assert_int_equal(kernel_store_link(dir.path, KERNEL_LAYER_LOCAL, "default", target), -ENOENT);
    assert_int_equal(take_away(dir.path, "a"), 0);
    assert_int_equal(take_away(dir.path, "a"), -ENOENT);
    assert_version(dir.path, "a", "");
    assert_version(dir.path, "b", "1");
    assert_int_equal(clean(dir.path), 0);
}

/* Whoever has a file open goes on with what it is. */
static void test_a_replaced_kernel_stays_for_who_has_it(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    struct kernel_dir kernel;
    char text[8] = "";

    added(dir.path, "a", "1", false);
    assert_int_equal(kernel_store_open_in(dir.path, KERNEL_LAYER_LOCAL, "a", &kernel), 0);
    _cleanup_close_ int fd = kernel_dir_open_file(&kernel, "vmlinux", true);
    added(dir.path, "a", "2", true);
    assert_int_equal(take_away(dir.path, "a"), 0);
    assert_int_equal(pread(fd, text, sizeof(text) - 1, 0), 1);
    assert_string_equal(text, "1");
    kernel_dir_done(&kernel);
}

/* What is there instead of a kernel is replaced and removed likewise, and no link is followed. */
static void test_links_are_not_followed(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    char outside[PATH_MAX], path[PATH_MAX];

    added(dir.path, "a", "1", false);
    assert_int_equal(mkdir(temporary_path(&dir, "outside", outside), 0755), 0);
    temporary_write(&dir, "outside/vmlinux", "mine");
    assert_int_equal(symlink(outside, temporary_path(&dir, "var/lib/volt/kernels/link", path)), 0);
    assert_int_equal(symlink(outside, temporary_path(&dir, "var/lib/volt/kernels/.b.new", path)),
                     0);
    assert_int_equal(symlink(outside, temporary_path(&dir, "var/lib/volt/kernels/a/link", path)),
                     0);
    added(dir.path, "b", "1", false);
    assert_int_equal(take_away(dir.path, "a"), 0);
    added(dir.path, "link", "1", true);
    assert_true(temporary_exists(&dir, "outside/vmlinux"));
    assert_version(dir.path, "link", "1");
}

/* ---- several at once */

static void test_several_at_once(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    pid_t pids[8];
    unsigned good = 0;

    for (unsigned i = 0; i < ELEMENTSOF(pids); i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            char name[8], *why = NULL;
            int r = 0;

            for (unsigned j = 0; j < 10 && r >= 0; j++) {
                (void)snprintf(name, sizeof(name), "n%u", (i + j) % 4);
                r = add(dir.path, name, i % 2 ? "1" : "2", true, &why);
            }
            if (r >= 0)
                r = add(dir.path, "once", "1", false, &why);
            _exit(r == -EEXIST ? 0 : r < 0 ? 1 : 2);
        }
    }
    for (unsigned i = 0; i < ELEMENTSOF(pids); i++) {
        int status;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
        good += WEXITSTATUS(status) == 2;
    }
    assert_int_equal(good, 1); /* of all that wanted to be the first */
    assert_version(dir.path, "once", "1");
    assert_int_equal(clean(dir.path), 0);
}

/* ---- no room, no right */

/* Has CHILD run in a mount namespace of its own, with a file system of 64 KiB at PATH. */
static void run_mounted(const char *path, int (*child)(const char *path))
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        if (unshare(CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) < 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("test", path, "tmpfs", 0, "size=64k") < 0)
            _exit(100);
        _exit(child(path));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 100) {
        print_message("no mount namespace here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int fill_up(const char *path)
{
    static char large[100000];
    char *why = NULL, *said = NULL, version[KERNEL_VERSION_SIZE];

    memset(large, 'x', sizeof(large) - 1);
    if (add(path, "a", "1", false, &why) < 0)
        return 1;
    if (add(path, "b", large, false, &why) != -ENOSPC ||
        add(path, "a", large, true, &said) != -ENOSPC)
        return 2;
    if (!why || strcmp(why, "cannot write vmlinux of b to /var/lib/volt/kernels: No space left on "
                            "device") != 0)
        return 3;
    version_of(path, "a", version);
    if (strcmp(version, "1") != 0 || clean(path) != 0)
        return 4;
    return take_away(path, "a") < 0 ? 5 : 0;
}

static void test_no_room(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();

    run_mounted(dir.path, fill_up);
}

static int read_only(const char *path)
{
    char *why = NULL, version[KERNEL_VERSION_SIZE];

    if (add(path, "a", "1", false, &why) < 0 ||
        mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY, "size=64k") < 0)
        return 1;
    version_of(path, "a", version);
    if (strcmp(version, "1") != 0)
        return 2;
    return add(path, "b", "1", false, &why) != -EROFS || !strstr(why, "Read-only file system") ||
           take_away(path, "a") != -EROFS;
}

static void test_read_only(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();

    run_mounted(dir.path, read_only);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_replace_remove),
        cmocka_unit_test(test_a_replaced_kernel_stays_for_who_has_it),
        cmocka_unit_test(test_links_are_not_followed),
        cmocka_unit_test(test_several_at_once),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_read_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
