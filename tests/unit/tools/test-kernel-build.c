/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volt-kernel build, with a tree that behaves as a kernel's, and whatever may come in between. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "generator/kernel-verify.h"
#include "tests/unit/tools/kernel-tree.h"
#include "tools/kernel/build-dir.h"
#include "tools/kernel/build-run.h"
#include "tools/kernel/listing.h"

#define TREE(dir, buffer) (char *)(uintptr_t)temporary_path(&(dir), "tree", buffer)

static char *read_stored(const struct temporary_dir *dir, const char *name, size_t *ret_size)
{
    char path[PATH_MAX], *text = calloc(1, 65536);
    _cleanup_fclose_ FILE *f = fopen(temporary_path(dir, name, path), "re");

    assert_non_null(f);
    assert_non_null(text);
    *ret_size = fread(text, 1, 65535, f);
    return text;
}

#define assert_stored(dir, name, words)                                                            \
    do {                                                                                           \
        size_t size_;                                                                              \
        _cleanup_free_ char *text_ = read_stored(&(dir), name, &size_);                            \
        if (!memmem(text_, size_, words, strlen(words)))                                           \
            fail_msg("%s has no %s: %s", name, words, text_);                                      \
    } while (0)

static void test_a_tree_becomes_a_kernel(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = tree_new();
    char tree[PATH_MAX];

    /* What the caller has set must not change the kernel. */
    assert_int_equal(setenv("KCFLAGS", "-O0", 1), 0);
    assert_int_equal(setenv("LOCALVERSION", "-mine", 1), 0);
    assert_int_equal(setenv("MAKEFLAGS", "-n", 1), 0);
    check(command_build, 0, "configuring Linux 6.1.9: 3 settings of 1 files\ncompiling with 3 jobs",
          WORDS(NULL), .source = TREE(dir, tree), .jobs = "3");
    assert_stored(dir, "var/lib/volt/kernels/volt-6.1/vmlinux", TREE_SURROUNDINGS);
    assert_stored(dir, "var/lib/volt/kernels/volt-6.1/config", "CONFIG_A=y\n");
    assert_stored(dir, "var/lib/volt/kernels/volt-6.1/config", "CONFIG_NEW=y\n");
    assert_stored(dir, "var/lib/volt/kernels/volt-6.1/manifest",
                  "SOURCE=built from Linux 6.1.9 (tree), settings sha256 ");
    assert_stored(dir, "var/lib/volt/kernels/volt-6.1/manifest", ", by testcc 1.0\n");
    check(command_verify, 0, "volt-6.1: good", WORDS(NULL));
    assert_int_equal(tree_compiled(&dir), TREE_OBJECTS);
    check(command_build, 1, "there is a kernel volt-6.1 already", WORDS(NULL),
          .source = TREE(dir, tree));
    assert_int_equal(tree_compiled(&dir), TREE_OBJECTS);
    check(command_build, 0, "added volt-6.1: ", WORDS(NULL), .source = TREE(dir, tree),
          .replace = true);
    assert_int_equal(tree_compiled(&dir), 2 * TREE_OBJECTS);
    check(command_gc, 0, "removed 1 of the builds in /var/cache/volt/kernel-build", WORDS(NULL));
    (void)unsetenv("KCFLAGS");
    (void)unsetenv("LOCALVERSION");
    (void)unsetenv("MAKEFLAGS");
}

static void test_a_package_is_unpacked(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = tree_new();
    char command[3 * PATH_MAX];

    check(command_build, 1, "there is no kernel source in /usr/src; on Debian: apt install linux-",
          WORDS("k"));
    check(command_build, 1, "linux-source-6.1 is not installed", WORDS("k"),
          .source = "linux-source-6.1");
    check(command_build, 1, "cannot open /nowhere/at/all: No such file", WORDS("k"),
          .source = "/nowhere/at/all");
    (void)snprintf(command, sizeof(command),
                   "cd %s && mkdir -p usr/src && cp -r tree linux-source-6.1 && "
                   "tar --create --file usr/src/linux-source-6.1.tar.xz linux-source-6.1 && "
                   "sed -i 's/PATCHLEVEL = 1/PATCHLEVEL = 12/' linux-source-6.1/Makefile && "
                   "tar --create --file usr/src/linux-source-6.12.tar.xz linux-source-6.1",
                   dir.path);
    assert_int_equal(system(command), 0);
    check(command_build, 0, "added volt-6.1: ", WORDS(NULL), .source = "linux-source-6.1");
    assert_stored(dir, "var/lib/volt/kernels/volt-6.1/manifest",
                  "SOURCE=built from Linux 6.1.9 (linux-source-6.1, sha256 ");
    /* The newest by number: 6.12 is more than 6.9. */
    check(command_build, 0, "added volt-6.12: ", WORDS(NULL));
    temporary_write(&dir, "usr/src/linux-source-6.2.tar.xz", "no archive");
    check(command_build, 1, "tar failed with status ", WORDS(NULL), .source = "linux-source-6.2");
    check(command_list, 0, "2 kernels", WORDS(NULL));
}

static void test_what_is_missing_is_named_before_anything_is_begun(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = tree_new();
    char tree[PATH_MAX], path[PATH_MAX];

    assert_int_equal(setenv("PATH", temporary_path(&dir, "bin", path), 1), 0);
    assert_int_equal(unlink(temporary_path(&dir, "bin/flex", path)), 0);
    assert_int_equal(unlink(temporary_path(&dir, "bin/bc", path)), 0);
    write_program(&dir, "bin/gcc", "#!/bin/sh\ncase \"$*\" in *gelf.h*) exit 1 ;; esac\n");
    check(command_build, 1,
          "building a kernel takes make, flex, bc, gelf.h, which are not here; on Debian: apt "
          "install make flex bc libelf-dev",
          WORDS("k"), .source = TREE(dir, tree));
    assert_false(temporary_exists(&dir, "var"));
    check(command_build, 2, "--jobs=0: expected a number", WORDS("k"), .jobs = "0");
    check(command_build, 2, "--jobs=2x: expected a number", WORDS("k"), .jobs = "2x");
    check(command_build, 2, "cannot be a kernel's name", WORDS("../k"));
}

static void test_a_setting_without_effect_is_named(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = tree_new();
    char tree[PATH_MAX];

    temporary_write(&dir, "tree/unknown", "CONFIG_A=y\n");
    check(command_build, 1, "CONFIG_A=y (10-a.config:3), it is n\n", WORDS("k"),
          .source = TREE(dir, tree));
    assert_int_equal(tree_compiled(&dir), 0);
    /* The host's file of a later name wins, and one of the same name takes the vendor's place. */
    make_dirs(&dir, "etc/volt/kernel-config.d");
    temporary_write(&dir, "etc/volt/kernel-config.d/20-b.config", "CONFIG_A=n\n");
    check(command_build, 0, "3 settings of 2 files", WORDS("k"), .source = TREE(dir, tree));
    temporary_write(&dir, "etc/volt/kernel-config.d/10-a.config", "CONFIG_C=7\n");
    check(command_build, 0, "2 settings of 2 files", WORDS("k"), .source = TREE(dir, tree),
          .replace = true);
    assert_stored(dir, "var/lib/volt/kernels/k/config", "CONFIG_C=7\n");
    temporary_write(&dir, "etc/volt/kernel-config.d/10-a.config", "CONFIG_C=m\n");
    check(command_build, 1, "10-a.config:1: expected CONFIG_NAME= and y, n", WORDS("k2"),
          .source = TREE(dir, tree));
}

static void test_a_failure_shows_the_log_and_is_gone_on_from(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = tree_new();
    char tree[PATH_MAX];
    unsigned before;

    temporary_write(&dir, "tree/broken", "a15.o\n");
    check(command_build, 1, "\n  a.c:7: error: no such thing\n", WORDS("k"),
          .source = TREE(dir, tree), .jobs = "1");
    check(command_list, 0, "0 kernels", WORDS(NULL));
    before = tree_compiled(&dir);
    assert_int_equal(before, 14);
    temporary_write(&dir, "tree/broken", "none\n");
    check(command_build, 0, "going on with what is in ", WORDS("k"), .source = TREE(dir, tree));
    assert_int_equal(tree_compiled(&dir), TREE_OBJECTS);
    /* --clean does not. */
    temporary_write(&dir, "tree/broken", "a15.o\n");
    check(command_build, 1, "make failed with status 2. ", WORDS("k2"), .source = TREE(dir, tree));
    temporary_write(&dir, "tree/broken", "none\n");
    before = tree_compiled(&dir);
    check(command_build, 0, "added k2", WORDS("k2"), .source = TREE(dir, tree), .clean = true);
    assert_int_equal(tree_compiled(&dir), before + TREE_OBJECTS);
}

/* A machine that went down may have lost what was written last. */
static void test_what_another_boot_left_is_thrown_away(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = tree_new();
    char tree[PATH_MAX], command[2 * PATH_MAX];
    unsigned before;

    temporary_write(&dir, "tree/broken", "a15.o\n");
    check(command_build, 1, "make failed", WORDS("k"), .source = TREE(dir, tree), .jobs = "1");
    before = tree_compiled(&dir);
    (void)snprintf(command, sizeof(command),
                   "cd %s/var/cache/volt/kernel-build/* && echo other >.busy", dir.path);
    assert_int_equal(system(command), 0);
    temporary_write(&dir, "tree/broken", "none\n");
    check(command_build, 0, "added k", WORDS("k"), .source = TREE(dir, tree));
    assert_int_equal(tree_compiled(&dir), before + TREE_OBJECTS);
}

static void test_twice_finds_what_is_not_the_same(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = tree_new();
    char tree[PATH_MAX];

    check(command_build, 0, "both are the same\nadded k: ", WORDS("k"), .source = TREE(dir, tree),
          .twice = true);
    assert_int_equal(tree_compiled(&dir), 2 * TREE_OBJECTS);
    temporary_write(&dir, "tree/by-path", "");
    check(command_build, 1, "the second build is not the same: sha256 ", WORDS("k2"),
          .source = TREE(dir, tree), .twice = true);
    check(command_list, 0, "1 kernel", WORDS(NULL));
}

/* Either its process alone, which leaves make(1) behind, or all of them. */
static void build_for(const struct temporary_dir *dir, long nanoseconds, bool all)
{
    struct timespec pause = {.tv_nsec = nanoseconds};
    char tree[PATH_MAX];
    pid_t pid = fork();

    if (pid == 0) {
        struct arguments arguments = {
            .root = dir->path,
            .words = (char *[]){(char[]){"k"}, NULL},
            .n_words = 1,
            .source = TREE(*dir, tree),
            .jobs = "2",
        };

        (void)setpgid(0, 0);
        (void)!freopen("/dev/null", "w", stdout);
        (void)!freopen("/dev/null", "w", stderr);
        _exit(command_build(&arguments));
    }
    assert_true(pid > 0);
    (void)setpgid(pid, pid);
    (void)nanosleep(&pause, NULL);
    (void)kill(all ? -pid : pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* There whole, or not at all. */
static bool is_stored(const struct temporary_dir *dir)
{
    _cleanup_listing_ struct listing listing = {0};
    struct arguments arguments = {.root = dir->path, WORDS(NULL)};
    int status;

    assert_int_equal(listing_read(dir->path, &listing), 0);
    for (size_t i = 0; i < listing.count; i++)
        assert_int_equal(listing.items[i].state, KERNEL_MANAGED);
    _cleanup_free_ char *said = run(command_verify, &arguments, &status);
    if (status != 0)
        fail_msg("%s", said);
    return listing.count > 0;
}

static void test_killed_anywhere_it_goes_on(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = tree_new();
    char tree[PATH_MAX];
    unsigned killed = 0;

    for (; killed < 12 && !is_stored(&dir); killed++)
        build_for(&dir, 20000000L + 15000000L * (long)(killed % 8), killed % 2);
    if (!is_stored(&dir))
        check(command_build, 0, "added k: ", WORDS("k"), .source = TREE(dir, tree));
    assert_true(is_stored(&dir));
    assert_stored(dir, "var/lib/volt/kernels/k/vmlinux", TREE_SURROUNDINGS);
    /* At most what was being compiled is compiled again, by each of two jobs. */
    assert_in_range(tree_compiled(&dir), TREE_OBJECTS, TREE_OBJECTS + 2 * killed);
}

static void test_steps_are_told_from_other_lines(void **state _unused_)
{
    assert_string_equal(build_run_step("  CC      init/main.o"), "init/main.o");
    assert_string_equal(build_run_step("  HOSTCC  scripts/basic/fixdep"), "scripts/basic/fixdep");
    assert_string_equal(build_run_step("  LD      vmlinux.o"), "vmlinux.o");
    assert_null(build_run_step("make[1]: Entering directory '/x'"));
    assert_null(build_run_step("  a.c:7: error: no such thing"));
    assert_null(build_run_step("  CC"));
    assert_null(build_run_step("  CC    "));
    assert_null(build_run_step(" "));
    assert_null(build_run_step(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tree_becomes_a_kernel),
        cmocka_unit_test(test_a_package_is_unpacked),
        cmocka_unit_test(test_what_is_missing_is_named_before_anything_is_begun),
        cmocka_unit_test(test_a_setting_without_effect_is_named),
        cmocka_unit_test(test_a_failure_shows_the_log_and_is_gone_on_from),
        cmocka_unit_test(test_what_another_boot_left_is_thrown_away),
        cmocka_unit_test(test_twice_finds_what_is_not_the_same),
        cmocka_unit_test(test_killed_anywhere_it_goes_on),
        cmocka_unit_test(test_steps_are_told_from_other_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
