/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding VM descriptions: which file wins, what is masked, what is no file at all. */
#include "tests/unit/generator/describe.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "generator/layers.h"

/* Where the test's files are; a new directory for each test. */
struct tree {
    char root[32];
};

static int remove_one(const char *path, _unused_ const struct stat *st, _unused_ int type,
                      _unused_ struct FTW *ftw)
{
    return remove(path);
}

static int set_up(void **state)
{
    struct tree *tree = calloc(1, sizeof(*tree));

    if (!tree)
        return -1;
    strcpy(tree->root, "/tmp/volt-layers-XXXXXX");
    *state = tree;
    return mkdtemp(tree->root) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct tree *tree = *state;
    int r = nftw(tree->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);

    free(tree);
    return r;
}

/* The path of NAME in the tree; its directories are made. */
static const char *place(const struct tree *tree, const char *name)
{
    static char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", tree->root, name);
    for (char *p = path + strlen(tree->root) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        (void)mkdir(path, 0755);
        *p = '/';
    }
    return path;
}

static void put(const struct tree *tree, const char *name, const char *text)
{
    FILE *f = fopen(place(tree, name), "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* What is found, a line for each VM: name, vcpus, and its problems. */
static char *found(const struct tree *tree)
{
    struct layers layers;
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    assert_int_equal(layers_open(tree->root, &layers), 0);
    for (size_t i = 0; i < layers.problems.count; i++) {
        problem_write(&layers.problems.items[i], false, f);
        (void)fputc('\n', f);
    }
    for (size_t i = 0; i < layers.files.count; i++) {
        _cleanup_vm_config_ struct vm_config *config = NULL;
        _cleanup_free_ char *problems = NULL;

        assert_int_equal(layers_load(&layers, &layers.files.items[i], &described_zones, &config),
                         0);
        if (!config)
            continue;
        problems = problems_text(&config->problems);
        (void)fprintf(f, "%s %u\n%s", vm_config_source(config)->path, config->vm.vcpus, problems);
    }
    layers_done(&layers);
    assert_int_equal(fclose(f), 0);
    return text;
}

static void expect(const struct tree *tree, const char *expected)
{
    _cleanup_free_ char *text = found(tree);

    assert_string_equal(text, expected);
}

static void test_nothing(void **state)
{
    expect(*state, "");
}

static void test_etc_wins(void **state)
{
    put(*state, "usr/lib/volt/vms/a.ini", VM_A "vcpus=3\n");
    put(*state, "usr/lib/volt/vms/b.ini", VM_A "vcpus=3\n");
    put(*state, "usr/lib/volt/vms/c.ini", VM_A "vcpus=3\n");
    put(*state, "run/volt/vms/a.ini", VM_A "vcpus=2\n");
    put(*state, "run/volt/vms/b.ini", VM_A "vcpus=2\n");
    put(*state, "etc/volt/vms/a.ini", VM_A);
    expect(*state, "/etc/volt/vms/a.ini 1\n/run/volt/vms/b.ini 2\n/usr/lib/volt/vms/c.ini 3\n");
}

static void test_other_names(void **state)
{
    static const char *const names[] = {".a.ini", "a.ini~", "#a.ini#",   ".#a.ini", "a.ini.bak",
                                        "a.conf", ".ini",   "a.ini.swp", "~a.ini",  "README"};
    char path[64];

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        (void)snprintf(path, sizeof(path), "etc/volt/vms/%s", names[i]);
        put(*state, path, "no VM");
    }
    expect(*state, "");
}

static void test_masks(void **state)
{
    put(*state, "usr/lib/volt/vms/a.ini", VM_A);
    put(*state, "usr/lib/volt/vms/b.ini", VM_A);
    put(*state, "etc/volt/vms/a.ini", "");
    assert_int_equal(symlink("/dev/null", place(*state, "etc/volt/vms/b.ini")), 0);
    expect(*state, "");
}

static void test_links(void **state)
{
    put(*state, "elsewhere/x", VM_A "vcpus=7\n");
    (void)place(*state, "etc/volt/vms/a.ini");
    assert_int_equal(symlink("../../../elsewhere/x", place(*state, "etc/volt/vms/a.ini")), 0);
    assert_int_equal(symlink("nowhere", place(*state, "etc/volt/vms/b.ini")), 0);
    assert_int_equal(symlink("c.ini", place(*state, "etc/volt/vms/c.ini")), 0);
    expect(*state, "/etc/volt/vms/a.ini 7\n"
                   "/etc/volt/vms/b.ini 1\n"
                   "b.ini: the file does not exist, or is a link to nothing\n"
                   "/etc/volt/vms/c.ini 1\n"
                   "c.ini: the file is a link that leads round in circles\n");
}

static void test_no_regular_files(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(mkfifo(place(*state, "etc/volt/vms/fifo.ini"), 0644), 0);
    assert_int_equal(mkdir(place(*state, "etc/volt/vms/dir.ini"), 0755), 0);
    assert_int_equal(symlink("/dev/zero", place(*state, "etc/volt/vms/dev.ini")), 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
                   place(*state, "etc/volt/vms/socket.ini"));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    (void)close(fd);
    expect(*state, "/etc/volt/vms/dev.ini 1\n"
                   "dev.ini: the file is a device; it must be a regular file\n"
                   "/etc/volt/vms/dir.ini 1\n"
                   "dir.ini: the file is a directory; it must be a regular file\n"
                   "/etc/volt/vms/fifo.ini 1\n"
                   "fifo.ini: the file is a FIFO; it must be a regular file\n"
                   "/etc/volt/vms/socket.ini 1\n"
                   "socket.ini: the file is a socket; it must be a regular file\n");
}

static void test_large_file(void **state)
{
    put(*state, "etc/volt/vms/a.ini", VM_A);
    assert_int_equal(truncate(place(*state, "etc/volt/vms/a.ini"), INI_SIZE_MAX + 1), 0);
    expect(*state, "/etc/volt/vms/a.ini 1\n"
                   "a.ini: the file is over 1 MiB; nothing of it is read\n");
}

static void test_unreadable_file(void **state)
{
    if (geteuid() == 0)
        skip(); /* root reads everything */
    put(*state, "etc/volt/vms/a.ini", VM_A);
    assert_int_equal(chmod(place(*state, "etc/volt/vms/a.ini"), 0), 0);
    expect(*state, "/etc/volt/vms/a.ini 1\na.ini: the file cannot be read: permission denied\n");
}

static void test_unreadable_layer(void **state)
{
    put(*state, "etc/volt/vms", "a file in the directory's place");
    put(*state, "run/volt/vms/a.ini", VM_A);
    expect(*state, "/etc/volt/vms: the directory cannot be read: Not a directory\n"
                   "/run/volt/vms/a.ini 1\n");
}

static void test_drop_ins(void **state)
{
    put(*state, "usr/lib/volt/vms/a.ini", VM_A "vcpus=1\nfoo=1\n");
    put(*state, "etc/volt/vms/a.ini.d/20.conf", "[vm]\nvcpus=2\n");
    put(*state, "run/volt/vms/a.ini.d/30.conf",
        "[vm]\nvcpus=3\nbar=1\n");                                    /* by name, not by layer */
    put(*state, "usr/lib/volt/vms/a.ini.d/20.conf", "[vm]\nbaz=1\n"); /* /etc has this one */
    put(*state, "usr/lib/volt/vms/a.ini.d/40.conf", "[vm]\nvcpus=4\n");
    put(*state, "etc/volt/vms/a.ini.d/40.conf", ""); /* masked */
    put(*state, "etc/volt/vms/a.ini.d/.50.conf", "[vm]\nvcpus=5\n");
    put(*state, "etc/volt/vms/a.ini.d/50.ini", "[vm]\nvcpus=5\n");
    put(*state, "etc/volt/vms/b.ini.d/10.conf", "[vm]\nvcpus=5\n"); /* of no VM */
    expect(*state, "/usr/lib/volt/vms/a.ini 3\n"
                   "a.ini:5: unknown key 'foo' in [vm]; see volt.vm(5) for those that there are\n"
                   "a.ini.d/30.conf:3: unknown key 'bar' in [vm]; see volt.vm(5) for those that "
                   "there are\n");
}

static void test_bad_drop_ins(void **state)
{
    put(*state, "etc/volt/vms/a.ini", VM_A);
    assert_int_equal(mkfifo(place(*state, "etc/volt/vms/a.ini.d/1.conf"), 0644), 0);
    put(*state, "run/volt/vms/a.ini.d", "no directory");
    expect(*state, "/etc/volt/vms/a.ini 1\n"
                   "a.ini: the drop-ins in /run/volt/vms/a.ini.d cannot be read: Not a directory\n"
                   "a.ini.d/1.conf: the file is a FIFO; it must be a regular file\n");
}

static void test_named_file(void **state)
{
    _cleanup_vm_config_ struct vm_config *config = NULL;

    put(*state, "a.ini", VM_A);
    put(*state, "a.ini.d/1.conf", "[vm]\nvcpus=9\n");
    assert_int_equal(layers_load_path(place(*state, "a.ini"), &described_zones, &config), 0);
    assert_problems(config, "");
    assert_int_equal(config->vm.vcpus, 9);
    assert_string_equal(config->vm.name, "a");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing),    TEST(test_etc_wins),        TEST(test_other_names),
        TEST(test_masks),      TEST(test_links),           TEST(test_no_regular_files),
        TEST(test_large_file), TEST(test_unreadable_file), TEST(test_unreadable_layer),
        TEST(test_drop_ins),   TEST(test_bad_drop_ins),    TEST(test_named_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
