/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store of kernels: whatever ends volt-kernel, and wherever, each kernel is whole or not there.
 */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/tools/kernel-store.h"

/* Of the calls that change something: the process is killed before the call KILL_AT, from 1. */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_anywhere),
        cmocka_unit_test(test_killed_at_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
