/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which unit files come out, and that nothing from outside can add a line to one. */
#include "tests/unit/generator/describe.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "generator/conflicts.h"
#include "generator/schema.h"
#include "generator/unit-sink.h"

/* What the units of the VMs look like when printed. Frees the VMs. */
static char *print_units(struct vm_config **configs, size_t count)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    struct unit_sink sink = unit_sink_print(f);

    assert_non_null(f);
    assert_int_equal(conflicts_find(configs, count), 0);
    assert_int_equal(units_write(configs, count, &sink), 0);
    assert_int_equal(fclose(f), 0);
    for (size_t i = 0; i < count; i++)
        vm_config_free(configs[i]);
    return text;
}

static void assert_has(const char *text, const char *part)
{
    assert_non_null(text);
    if (!strstr(text, part))
        fail_msg("'%s' is not in:\n%s", part, text);
}

static void assert_has_not(const char *text, const char *part)
{
    assert_non_null(text);
    if (strstr(text, part))
        fail_msg("'%s' is in:\n%s", part, text);
}

static void test_none(_unused_ void **state)
{
    _cleanup_free_ char *text = print_units(NULL, 0);

    assert_string_equal(text, "");
}

static void test_limits(_unused_ void **state)
{
    static const struct {
        const char *ini, *unit;
    } cases[] = {
        {"memory_mib=4096\n", "\nMemoryMax=4224M\n"},
        {"memory_max=600M\n", "\nMemoryMax=629145600\n"},
        {"memory_max=infinity\n", "\nMemoryMax=infinity\n"},
        {"cpu_quota=150%\n", "\nCPUQuota=150%\n"},
        {"cpu_weight=10000\n", "\nCPUWeight=10000\n"},
        {"cpus=1,3-5\n", "\nAllowedCPUs=1,3-5\n"},
        {"io_weight=1\n", "\nIOWeight=1\n"},
        {"vcpus=4\n", "\nTasksMax=20\n"},
        {"stop_timeout_sec=3600\n", "\nTimeoutStopSec=3615\n"},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct vm_config *config;
        char ini[256];
        _cleanup_free_ char *text = NULL;

        (void)snprintf(ini, sizeof(ini), "%s%s", VM_A, cases[i].ini);
        config = describe_text(ini);
        text = print_units(&config, 1);
        assert_has(text, cases[i].unit);
        if (!strstr(cases[i].ini, "cpu_quota"))
            assert_has_not(text, "CPUQuota");
    }
}

/* Every line of a unit is one that the writers write, whatever the file is called. */
static void test_file_name_cannot_add_lines(_unused_ void **state)
{
    static const char *const inis[] = {VM_A, "[vm]\nuuid=" UUID_A "\nfoo=1\n", "foo\n"};

    for (size_t i = 0; i < ELEMENTSOF(inis); i++) {
        struct vm_config *config =
            describe("x\nExecStart=/evil\\\n[Service]\r.ini", inis[i], strlen(inis[i]), NULL);
        _cleanup_free_ char *text = print_units(&config, 1);

        assert_has(text, "\\x0aExecStart=/evil");
        assert_has_not(text, "\nExecStart=/evil");
        assert_has_not(text, "\r");
        assert_has_not(text, "SourcePath="); /* systemd would not take it */
    }
}

static void test_no_invalid_text_reaches_a_unit(_unused_ void **state)
{
    struct vm_config *config = describe("a\xff\xfe.ini", "[vm]\n", 5, NULL);
    _cleanup_free_ char *text = print_units(&config, 1);

    for (const char *p = text, *end = text + strlen(text); p < end;) {
        size_t length = *p == '\n' ? 1 : printable_length(p, end);

        assert_true(length > 0);
        p += length;
    }
    assert_has(text, "# ==> volt-a__.service\n");
    assert_has(text, "\"a\\\\xff\\\\xfe.ini:1: ");
}

/* Three VMs of one UUID are one unit; of one name, one target that starts them all. */
static void test_clashes(_unused_ void **state)
{
    struct vm_config *configs[] = {
        describe("c.ini", VM_A "autostart=yes\n", strlen(VM_A "autostart=yes\n"), NULL),
        describe("a.ini", VM_A, strlen(VM_A), NULL),
        describe("b.ini", VM_B "name=a\n", strlen(VM_B "name=a\n"), NULL),
    };
    _cleanup_free_ char *text = print_units(configs, 3);
    const char *first = strstr(text, "50-volt.conf\n"), *target = strstr(text, "volt-a.target\n");

    assert_has(text, "\"a.ini:2: uuid " UUID_A " is also that of c.ini:2;");
    assert_has(text, "# ==> volt.target.wants/volt-vm@" UUID_A ".service -> volt-vm@.service\n");
    assert_non_null(first);
    first = strstr(first + 1, "50-volt.conf\n"); /* of b */
    assert_non_null(first);
    assert_null(strstr(first + 1, "50-volt.conf\n"));
    target = strstr(text, "# ==> volt-a.target\n");
    assert_non_null(target);
    assert_has(target, "Requires=volt-vm@" UUID_A ".service\n");
    assert_has(target, "Requires=volt-vm@" UUID_B ".service\n");
    assert_has(text, "# ==> volt-c.target\n");
}

/* Files without a UUID that come to one name are one unit, which tells about both. */
static void test_stand_ins_of_one_name(_unused_ void **state)
{
    struct vm_config *configs[] = {
        describe("w e b.ini", "x\n", 2, NULL),
        describe("w_e_b.ini", "[vm]\n", 5, NULL),
    };
    _cleanup_free_ char *text = print_units(configs, 2);
    const char *first = strstr(text, "# ==> volt-w_e_b.service\n");

    assert_non_null(first);
    assert_null(strstr(first + 1, "# ==> volt-w_e_b.service\n"));
    assert_has(text, "\n# w e b.ini:1: ");
    assert_has(text, "\n# w_e_b.ini:1: there is no uuid");
    assert_has(text, "(and 4 more)\"\n");
}

static void test_long_label(_unused_ void **state)
{
    char label[3000]; /* named on the command line, with each byte escaped */
    struct vm_config *config;
    _cleanup_free_ char *text = NULL;

    memset(label, '\xff', sizeof(label) - 1);
    label[sizeof(label) - 1] = '\0';
    assert_int_equal(vm_config_new("/x", label, &config), 0);
    assert_int_equal(vm_config_read(config, vm_config_source(config), "x", 1), 0);
    assert_int_equal(vm_config_finish(config, &described_zones), 0);
    text = print_units(&config, 1);
    assert_has(text, "volt-open refuse \\\n    \"");
}

static void test_dropped_problems_are_counted(_unused_ void **state)
{
    char ini[sizeof(VM_A) + 8 * 150] = VM_A;
    struct vm_config *config;
    _cleanup_free_ char *text = NULL;

    for (size_t i = 0; i < 150; i++)
        strcpy(ini + strlen(VM_A) + 8 * i, "foo = 1\n");
    config = describe_text(ini);
    text = print_units(&config, 1);
    assert_has(text, "those that there are (and 149 more)\"\n");
    assert_has(text, "\n# and 50 more\n");
}

static void test_directory(_unused_ void **state)
{
    char root[] = "/tmp/volt-units-XXXXXX", path[128], text[16] = "";
    struct unit_sink sink;
    struct stat st;
    int fd, file;

    assert_non_null(mkdtemp(root));
    fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    sink = unit_sink_directory(&fd);
    assert_int_equal(sink.file(sink.user, "d/a", "old old old", 11), 0);
    assert_int_equal(sink.file(sink.user, "d/a", "new", 3), 0);
    assert_int_equal(sink.link(sink.user, "w/l", "/t"), 0);
    assert_int_equal(sink.link(sink.user, "w/l", "/t"), 0);
    file = openat(fd, "d/a", O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(file, text, sizeof(text)), 3);
    assert_string_equal(text, "new");
    assert_int_equal(fstat(file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    (void)close(file);
    /* No temporary file is left, and what is in the way is an error. */
    assert_int_equal(sink.file(sink.user, "w", "x", 1), -EISDIR);
    assert_int_equal(sink.file(sink.user, "d/a/b", "x", 1), -ENOTDIR);
    assert_int_equal(unlinkat(fd, "d/a", 0), 0);
    assert_int_equal(unlinkat(fd, "w/l", 0), 0);
    assert_int_equal(unlinkat(fd, "d", AT_REMOVEDIR), 0);
    assert_int_equal(unlinkat(fd, "w", AT_REMOVEDIR), 0);
    (void)close(fd);
    (void)snprintf(path, sizeof(path), "%s", root);
    assert_int_equal(rmdir(path), 0);
}

/* The list of settings in the manual PAGE is what WRITE writes. */
static void check_manual(const char *path, void (*write)(FILE *f))
{
    _cleanup_free_ char *list = NULL, *page = NULL;
    size_t size, page_size;
    FILE *f = open_memstream(&list, &size);

    assert_non_null(f);
    write(f);
    assert_int_equal(fclose(f), 0);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_true(getdelim(&page, &page_size, '\0', f) > 0);
    (void)fclose(f);
    if (!strstr(page, list))
        fail_msg("%s lacks the list as it is now:\n%s", path, list);
}

static void test_manual(_unused_ void **state)
{
    check_manual(VOLT_SOURCE_ROOT "/man/volt.vm.5", schema_write_roff);
    check_manual(VOLT_SOURCE_ROOT "/man/volt.zone.5", zone_write_roff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_file_name_cannot_add_lines),
        cmocka_unit_test(test_no_invalid_text_reaches_a_unit),
        cmocka_unit_test(test_clashes),
        cmocka_unit_test(test_stand_ins_of_one_name),
        cmocka_unit_test(test_long_label),
        cmocka_unit_test(test_dropped_problems_are_counted),
        cmocka_unit_test(test_directory),
        cmocka_unit_test(test_manual),
    };

    (void)umask(022);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
