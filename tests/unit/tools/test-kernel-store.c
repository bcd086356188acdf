/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store of kernels: whatever ends volt-kernel, and wherever, each kernel is whole or not there.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "generator/kernel-verify.h"
#include "tests/unit/generator/temporary-dir.h"
#include "tests/unit/vmm/test.h"
#include "tools/kernel/listing.h"
#include "tools/kernel/store.h"

/* ---- the calls that change something: the process is killed before the call KILL_AT, from 1 */

static unsigned calls, kill_at;

static void count_call(void)
{
    if (++calls == kill_at)
        (void)raise(SIGKILL);
}

#define WRAP(type, name, parameters, arguments)                                                    \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        count_call();                                                                              \
        return __real_##name arguments;                                                            \
    }

WRAP(int, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode))
WRAP(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
WRAP(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
     (a, from, b, to, flags))
WRAP(int, symlinkat, (const char *target, int fd, const char *path), (target, fd, path))
WRAP(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags))
WRAP(int, openat, (int fd, const char *path, int flags, mode_t mode), (fd, path, flags, mode))
WRAP(int, openat64, (int fd, const char *path, int flags, mode_t mode), (fd, path, flags, mode))

/* ---- */

static void nobody_waits(void)
{
    abort();
}

static void somebody_waits(void)
{
}

/* As volt-kernel add does; for children, so without an assertion. TEXT is what all its files have.
 */
static int add(const char *root, const char *name, const char *text, bool replace, char **ret_why)
{
    _cleanup_(store_done) struct store store = {.dir_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_(stage_done) struct stage stage = {.fd = -EBADF};
    int r = store_open(root, somebody_waits, &store, ret_why);

    if (r >= 0)
        r = stage_open(&store, name, &stage, ret_why);
    if (r < 0)
        return r;
    kernel_manifest_set(stage.manifest.version, KERNEL_VERSION_SIZE, text);
    for (unsigned i = 0; i < KERNEL_FILES && r >= 0; i++)
        r = stage_text(&stage, i, text, ret_why);
    return r < 0 ? r : stage_commit(&stage, replace, ret_why);
}

static void added(const char *root, const char *name, const char *text, bool replace)
{
    char *why = NULL;

    if (add(root, name, text, replace, &why) < 0)
        fail_msg("%s: %s", name, why);
}

static int take_away(const char *root, const char *name)
{
    _cleanup_(store_done) struct store store = {.dir_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_free_ char *why = NULL;
    int r = store_open(root, somebody_waits, &store, &why);

    return r < 0 ? r : store_remove(&store, name, &why);
}

static int choose(const char *root, const char *name)
{
    _cleanup_(store_done) struct store store = {.dir_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_free_ char *why = NULL;
    int r = store_open(root, somebody_waits, &store, &why);

    return r < 0 ? r : store_set_default(&store, name, &why);
}

/* All files are of one version, which is that of the manifest, and they are as that says. */
static void assert_whole(const char *root, const struct listed_kernel *kernel)
{
    struct kernel_dir dir;

    assert_int_equal(kernel->state, KERNEL_MANAGED);
    assert_int_equal(kernel_store_open_in(root, KERNEL_LAYER_LOCAL, kernel->name, &dir), 0);
    for (unsigned i = 0; i < KERNEL_FILES; i++) {
        _cleanup_close_ int fd = kernel_dir_open_file(&dir, kernel_file_names[i], true);
        _cleanup_free_ char *why = NULL, *text = NULL;
        const char *how;
        size_t size;

        assert_true(fd >= 0);
        if (kernel_verify(fd, &kernel->manifest.files[i], true, &how, &why) < 0)
            fail_msg("%s: %s: %s", kernel->name, kernel_file_names[i], why);
        assert_int_equal(kernel_dir_read(&dir, kernel_file_names[i], true, 100, &text, &size), 0);
        assert_string_equal(text, kernel->manifest.version);
    }
    kernel_dir_done(&dir);
}

/* The version of NAME, once all kernels are known to be whole; "" where there is none. */
static void version_of(const char *root, const char *name, char version[static KERNEL_VERSION_SIZE])
{
    _cleanup_listing_ struct listing listing = {0};

    version[0] = '\0';
    assert_int_equal(listing_read(root, &listing), 0);
    for (size_t i = 0; i < listing.count; i++) {
        assert_whole(root, &listing.items[i]);
        if (strcmp(listing.items[i].name, name) == 0)
            strcpy(version, listing.items[i].manifest.version);
    }
}

static unsigned clean(const char *root)
{
    _cleanup_(store_done) struct store store = {.dir_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_free_ char *why = NULL;
    unsigned count;

    assert_int_equal(store_open(root, nobody_waits, &store, &why), 0);
    assert_int_equal(store_clean(&store, &count, &why), 0);
    return count;
}

#define assert_version(root, name, expected)                                                       \
    do {                                                                                           \
        char found_[KERNEL_VERSION_SIZE];                                                         \
        version_of(root, name, found_);                                                           \
        assert_string_equal(found_, expected);                                                    \
    } while (0)

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

/* ---- killed */

enum { ADD, REPLACE, REMOVE, CHOOSE, ACTIONS };

static int act(const char *root, int action)
{
    _cleanup_free_ char *why = NULL;

    switch (action) {
    case ADD:
        return add(root, "new", "1", false, &why);
    case REPLACE:
        return add(root, "a", "2", true, &why);
    case REMOVE:
        return take_away(root, "a");
    default:
        return choose(root, "b");
    }
}

/* Whether the child came to its end. */
static bool act_killed(const char *root, int action, unsigned at)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        calls = 0;
        kill_at = at;
        _exit(act(root, action) < 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        assert_int_equal(WTERMSIG(status), SIGKILL);
    else
        assert_int_equal(WEXITSTATUS(status), 0);
    return WIFEXITED(status);
}

static void assert_before_or_after(const char *root, int action)
{
    char version[KERNEL_VERSION_SIZE], target[KERNEL_NAME_MAX + 1];

    version_of(root, action == ADD ? "new" : "a", version);
    if (action == ADD)
        assert_true(!*version || !strcmp(version, "1"));
    else if (action == REPLACE)
        assert_true(!strcmp(version, "1") || !strcmp(version, "2"));
    else if (action == REMOVE)
        assert_true(!*version || !strcmp(version, "1"));
    assert_version(root, "b", "1");
    assert_int_equal(kernel_store_link(root, KERNEL_LAYER_LOCAL, "default", target), 0);
    assert_true(!strcmp(target, "a") || (action == CHOOSE && !strcmp(target, "b")));
}

static void assert_nothing_hidden(const struct temporary_dir *dir)
{
    char command[PATH_MAX];

    (void)snprintf(
        command, sizeof(command),
        "test -z \"$(find %s/var/lib/volt/kernels -mindepth 1 -name '.*' ! -name .lock)\"",
        dir->path);
    assert_int_equal(system(command), 0);
}

/* At each call that changes something, in turn. */
static void test_killed_anywhere(void **state _unused_)
{
    unsigned places = 0;

    for (int action = 0; action < ACTIONS; action++) {
        for (unsigned at = 1;; at++) {
            _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();

            added(dir.path, "a", "1", false);
            added(dir.path, "b", "1", false);
            assert_int_equal(choose(dir.path, "a"), 0);
            if (act_killed(dir.path, action, at)) {
                places += at - 1;
                assert_true(at > (action == CHOOSE ? 3 : 8));
                assert_int_equal(clean(dir.path), 0);
                break;
            }
            assert_before_or_after(dir.path, action);
            /* It can be done again, whatever was left behind; and that can be cleaned away. */
            if (at % 2)
                (void)act(dir.path, action);
            (void)clean(dir.path);
            assert_before_or_after(dir.path, action);
            assert_nothing_hidden(&dir);
        }
    }
    print_message("killed at %u places\n", places);
}

/* And at any time, in one store. */
static void test_killed_at_random(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    unsigned killed = 0, random = 1;

    added(dir.path, "b", "1", false);
    for (unsigned round = 0; round < 300; round++) {
        char version[KERNEL_VERSION_SIZE];
        struct timespec moment;
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            kill_at = 0;
            _exit(act(dir.path, round % 2 ? REMOVE : REPLACE) < 0);
        }
        random = random * 1103515245 + 12345;
        moment = (struct timespec){.tv_nsec = (random >> 8) % 4000000};
        (void)nanosleep(&moment, NULL);
        (void)kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        killed += WIFSIGNALED(status);
        version_of(dir.path, "a", version);
        assert_true(!*version || !strcmp(version, "2"));
        assert_version(dir.path, "b", "1");
    }
    (void)clean(dir.path);
    assert_nothing_hidden(&dir);
    print_message("killed %u of 300 times\n", killed);
    assert_true(killed > 30);
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
        cmocka_unit_test(test_killed_anywhere),
        cmocka_unit_test(test_killed_at_random),
        cmocka_unit_test(test_several_at_once),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_read_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
