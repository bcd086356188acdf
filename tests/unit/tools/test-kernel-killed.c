/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volt-kernel itself, killed at any time while it adds, replaces and removes a kernel of some size:
 * each kernel is whole or not there, and what is left behind can be cleaned away. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "tests/unit/tools/initrd-image.h"
#include "tests/unit/tools/kernel-command.h"
#include "tools/kernel/listing.h"
#include "vmm/clock.h"

enum {
    ROUNDS = 25, /* of each kind */
    FILLER = 3 << 20,
};

extern char **environ;

static struct temporary_dir dir;
static char image[2][PATH_MAX], initrd[PATH_MAX], root_option[PATH_MAX + 8];
static uint32_t seed = 1;

static uint32_t next_random(void)
{
    seed = seed * 1103515245 + 12345;
    return seed >> 8;
}

static void write_image(const char *name, char path[static PATH_MAX])
{
    _cleanup_bytes_ struct bytes vmlinux = vmlinux_new("CONFIG_X86_64=y\n");

    for (unsigned i = 0; i < FILLER / 4; i++)
        bytes_add_32(&vmlinux, next_random());
    _cleanup_bytes_ struct bytes packed = pack_gzip(vmlinux.data, vmlinux.size);
    _cleanup_bytes_ struct bytes bzimage = bzimage_of(&packed, vmlinux.size);

    temporary_write_bytes(&dir, name, bzimage.data, bzimage.size);
    (void)temporary_path(&dir, name, path);
}

/* Runs it for at most so long, -1: to its end. Whether it was killed. */
static bool run_for(int64_t nanoseconds, const char *const *argv)
{
    posix_spawn_file_actions_t actions;
    struct timespec pause = {.tv_sec = nanoseconds / 1000000000,
                             .tv_nsec = nanoseconds % 1000000000};
    pid_t pid;
    int status;

    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, 1, 2), 0);
    assert_int_equal(
        posix_spawn(&pid, VOLT_KERNEL, &actions, NULL, (char *const *)(uintptr_t)argv, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (nanoseconds >= 0) {
        (void)nanosleep(&pause, NULL);
        (void)kill(pid, SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    return WIFSIGNALED(status);
}

#define RUN_FOR(nanoseconds, ...)                                                                  \
    run_for(nanoseconds, (const char *const[]){VOLT_KERNEL, root_option, __VA_ARGS__, NULL})

/* Whether NAME is there; all that are have to be whole. */
static bool is_there(const char *name)
{
    _cleanup_listing_ struct listing listing = {0};
    bool found = false;

    check(command_verify, 0, "keep: good (", WORDS(NULL));
    assert_int_equal(listing_read(dir.path, &listing), 0);
    for (size_t i = 0; i < listing.count; i++) {
        assert_int_equal(listing.items[i].state, KERNEL_MANAGED);
        found |= strcmp(listing.items[i].name, name) == 0;
    }
    return found;
}

static int set_up(void **state _unused_)
{
    _cleanup_bytes_ struct bytes archive = {0};
    char path[PATH_MAX];

    dir = temporary_dir_new();
    make_dirs(&dir, "etc/volt/vms");
    make_dirs(&dir, "tmp");
    assert_int_equal(setenv("TMPDIR", temporary_path(&dir, "tmp", path), 1), 0);
    (void)snprintf(root_option, sizeof(root_option), "--root=%s", dir.path);
    write_image("one", image[0]);
    write_image("two", image[1]);
    cpio_end(&archive);
    temporary_write_bytes(&dir, "initrd", archive.data, archive.size);
    (void)temporary_path(&dir, "initrd", initrd);
    return 0;
}

static int tear_down(void **state _unused_)
{
    temporary_dir_done(&dir);
    return 0;
}

static void test_killed_at_any_time(void **state _unused_)
{
    unsigned killed = 0, added = 0, removed = 0;
    int64_t begin = (int64_t)clock_now_ns(), takes;

    assert_false(RUN_FOR(-1, "add", "keep", image[0], "--initrd", initrd, "--cmdline=quiet"));
    takes = (int64_t)clock_now_ns() - begin;
    for (unsigned round = 0; round < ROUNDS; round++) {
        /* A new one, be it over what the last round left. */
        killed += RUN_FOR(takes * (next_random() % 1200) / 1000, "add", "new", image[round % 2],
                          "--initrd", initrd, "--cmdline=quiet");
        added += is_there("new");
        if (is_there("new"))
            assert_false(RUN_FOR(-1, "remove", "new"));
        /* Another one in the place of one that is there: it is there all the time. */
        killed += RUN_FOR(takes * (next_random() % 1200) / 1000, "add", "keep", image[round % 2],
                          "--replace", "--initrd", initrd);
        assert_true(is_there("keep"));
        /* And away with one; that takes a tenth of the time. */
        begin = (int64_t)clock_now_ns();
        assert_false(RUN_FOR(-1, "add", "gone", image[0], "--replace"));
        takes = (int64_t)clock_now_ns() - begin; /* on a machine that may be busier now */
        killed += RUN_FOR(takes * (next_random() % 200) / 1000, "remove", "gone");
        removed += !is_there("gone");
    }
    print_message("killed %u of %u times; %u of %u were added, and %u removed\n", killed,
                  3 * ROUNDS, added, ROUNDS, removed);
    assert_true(killed > ROUNDS / 2);
    assert_in_range(added, 1, ROUNDS - 1);
    check(command_gc, 0, "left behind by interrupted work", WORDS(NULL));
    check(command_gc, 0, "removed 0 left behind", WORDS(NULL));
    assert_true(is_there("keep"));
    /* What is temporary has no name. */
    assert_int_equal(rmdir(getenv("TMPDIR")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_killed_at_any_time, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("kernel-killed", tests, NULL, NULL);
}
