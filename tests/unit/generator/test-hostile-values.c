/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whatever a VM's file, a zone's file or their names say, the units have the directives that belong
 * there and no other. Goes through the tables of settings: a new one is tried by itself. */
#include "tests/unit/generator/unit-check.h"

#include <limits.h>

#include "generator/address-pool.h"
#include "generator/conflicts.h"
#include "generator/schema.h"
#include "generator/units.h"

#define A16   "AAAAAAAAAAAAAAAA"
#define A256  A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16
#define A4096 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256

static char megabyte[1 << 20]; /* of A */

/* Values, ids and names; what some of them are for others to find out. */
static const char *const nasty[] = {
    /* ways out of a directory */
    "..", ".", "/", "//", "../../etc/passwd", "/../x", "/a/../b", "/a/./b", "/a//b", "/a/b/", "a/b",
    "/etc/volt/vms", "/dev/", "/dev/a", "/dev/../x", "/dev/shm/a", "@/../x", "@/", "@/a", "@", "@x",
    /* specifiers and variables */
    "%", "%%", "%n", "%i.ini", "/%n/%i", "@/%n", "/dev/%n", "$", "$$", "$HOME", "${PATH}", "/$HOME",
    "/${VOLT_IP}", "a ${VOLT_IP}", "$(id)", "`id`", "%\\", "\\%n", "$\\$x",
    /* ends of words, of lines, of commands */
    "\\", "a\\", "/a\\", "a\\\\", "\\n", "/\\x0aExecStart=/evil", "\\x25n", "'", "\"", "/'", "/\"",
    "\"; ExecStart=/evil", "/a\" \"--disk=x", "/a' '--disk=x", "/a b", "/ a", "a  b", ";",
    "/a ; /b", "a ; ExecStart=/evil", "#", "/a # b", "[Service]", "ExecStart=/evil",
    "\nExecStart=/evil", "/x\nExecStart=/evil", "x\r\n[Service]\r\nExecStart=/evil",
    "x\\\nExecStart=/evil", "x\rb", "\n[Service]\nExecStartPre=+/bin/sh", "]\n[Service]",
    "a] [Service", "\t", "/a\tb", "a\tb",
    /* options */
    "-", "--", "-x", "--read-only=kernel=/etc/shadow", "=", "/a=b", ",", "/a,readonly", "a,b=c",
    "a,file=fd:kvm", "fd:kvm", "x=y,z", ":", "/a:b", "x:y", "+", "+/bin/sh", "!", "|", "*", "?",
    "~", "{}", "<x>", "(", "&", "^",
    /* bytes */
    "\xff", "/\xff", "\xc3\x28", "\x01", "/\x1b[31m", "\x7f", "\xc2\x85", "\xe2\x80\xa8",
    "/\xc3\xa9", "\xc3\xa9", "\xf0\x9f\x92\xa9", "\xed\xa0\x80",
    /* numbers and words */
    "0", "1", "-1", "+1", "1.5", "1e3", "0x10", "007", "18446744073709551616",
    "99999999999999999999", "512", "1M", "1%", "%1", "yes", "no", "auto", "none", "infinity",
    "guest", "0-3", "3-0", "0-99999999", "1.2.3.4", "1.2.3.4/33", "1.2.3.4/24", "10.0.0.0/8",
    "1.2.3.4-1.2.3.9", "255.255.255.255", "52:54:00:12:34:56", "ff:ff:ff:ff:ff:ff", UUID_A,
    "00000000-0000-0000-0000-000000000000", "br0", "all", "lo", "eth0/../..", "a.b", ".a", "-a",
    "a@b", "z", "root",
    /* lengths */
    A16, A256, "/" A256, "/" A16, A4096, "/" A16 "/" A256, megabyte, NULL};

/* Zone z. */
static void add_zone(const char *path, const char *text, size_t size)
{
    struct zones *zones = &described_zones;

    zones->items = calloc(1, sizeof(struct zone *));
    assert_non_null(zones->items);
    assert_int_equal(zone_new("z", path, &zones->items[0]), 0);
    zones->count = 1;
    assert_int_equal(zone_read_ini(zones->items[0], text, size), 0);
    zone_finish(zones->items[0]);
}

/* What the units of one run came to. */
struct output {
    struct unit_words words;
    unsigned files, links;
};

static int take_file(void *user, const char *name, const char *text, size_t size)
{
    struct output *output = user;

    check_unit_name(name);
    check_unit(text, size, &output->words);
    output->files++;
    return 0;
}

static int take_link(void *user, const char *name, const char *target)
{
    struct output *output = user;

    check_unit_name(name);
    if (strcmp(target, VOLT_UNITDIR "/volt-vm@.service") != 0) {
        assert_int_equal(strncmp(target, "../", 3), 0);
        check_unit_name(target + 3);
    }
    output->links++;
    return 0;
}

/* Each problem is one printable line that names its file. */
static void check_problems(const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const char *text = problems->items[i].text, *end = text + strlen(text);

        assert_true(text < end && end - text < 4096);
        assert_non_null(problems->items[i].origin.source);
        for (const char *p = text; p < end; p += printable_length(p, end))
            assert_true(printable_length(p, end) > 0);
    }
}

/* The units of CONFIG, which is freed. Returns whether the VM was taken. */
static bool check_vm(struct vm_config *config, struct output *output)
{
    struct unit_sink sink = {.file = take_file, .link = take_link, .user = output};
    bool taken;

    assert_int_equal(conflicts_find(&config, 1), 0);
    assert_int_equal(pools_fill(&described_zones, &config, 1), 0);
    taken = config->problems.count == 0;
    check_problems(&config->problems);
    assert_int_equal(units_write(&config, 1, &sink), 0);
    assert_true(output->files >= 2);
    vm_config_free(config);
    return taken;
}

/* What a section needs beside the setting under test. */
static const struct {
    enum section_kind kind;
    const char *key, *value;
} needed[] = {
    {SECTION_VM, "uuid", UUID_A},
    {SECTION_VM, "kernel", "k"},
    {SECTION_NETWORK, "bridge", "br0"},
    {SECTION_NETWORK, "ipv4", "10.42.0.2/24"},
    {SECTION_DISK, "path", "/x"},
    {SECTION_ZONE, "bridge", "br0"},
    {SECTION_ZONE, "subnet", "10.42.0.0/24"},
};

static void write_needed(FILE *f, enum section_kind kind, const char *but)
{
    for (size_t i = 0; i < ELEMENTSOF(needed); i++) {
        bool excluded = but && strcmp(but, "zone") == 0 && strcmp(needed[i].key, "bridge") == 0;

        if (needed[i].kind == kind && !excluded && (!but || strcmp(needed[i].key, but) != 0))
            (void)fprintf(f, "%s = %s\n", needed[i].key, needed[i].value);
    }
}

/* A VM's file in which KEY of a section of KIND is VALUE; KEY is NULL: the section's id is. */
static struct vm_config *describe_setting(enum section_kind kind, const char *key,
                                          const char *value)
{
    const struct section_type *type = &section_types[kind];
    _cleanup_free_ char *text = NULL;
    struct vm_config *config;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    (void)fputs("[vm]\n", f);
    write_needed(f, SECTION_VM, kind == SECTION_VM ? key : NULL);
    if (kind != SECTION_VM) {
        (void)fprintf(f, "[%s%s%s]\n", type->name, type->takes_id ? " " : "",
                      !type->takes_id ? ""
                      : key           ? "x1"
                                      : value);
        write_needed(f, kind, key);
    }
    if (key)
        (void)fprintf(f, "%s = %s\n", key, value);
    assert_int_equal(fclose(f), 0);
    config = describe("web.ini", text, size, NULL);
    return config;
}

static void test_without_harm_every_section_is_taken(_unused_ void **state)
{
    for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++) {
        struct output output = {.files = 0};
        bool free_keys = section_types[kind].take != NULL;

        if (!check_vm(describe_setting(kind, free_keys ? "x" : "", free_keys ? "y" : ""), &output))
            unit_words_done(&output.words); /* the line '= ' is a problem of its own */
        else
            assert_true(free_keys);
        unit_words_done(&output.words);
    }
}

/* Whether VALUE must arrive as it is: no other line's beginning, and no comment at its end. */
static bool is_verbatim(const struct setting *row, const char *value)
{
    return (row->parse == parse_path || row->parse == parse_cmdline) && !strchr(value, '\n') &&
           !strstr(value, " ;");
}

/* Whether the VM is taken in which ROW's setting is VALUE; a path or the kernel's command line then
 * is one word as it was written. */
static bool check_value(const struct setting *row, const char *value)
{
    struct output output = {.files = 0};
    bool taken = check_vm(describe_setting(row->section, row->key, value), &output);

    if (taken && is_verbatim(row, value) && !unit_words_have(&output.words, value))
        fail_msg("%s = %s does not arrive", row->key, value);
    unit_words_done(&output.words);
    return taken;
}

/* Every setting of VMs, with every value: some is taken, or the list lacks what the setting is. */
static void test_values(_unused_ void **state)
{
    static const char zone[] = "[zone]\nbridge=br1\nsubnet=10.42.0.0/24\n";

    add_zone("/etc/volt/zones/z.ini", zone, strlen(zone));
    for (size_t i = 0; i < schema_count; i++) {
        const struct setting *row = &schema[i];
        const char *plain = row->initial;
        _cleanup_free_ char *first = NULL;
        bool taken = false;

        if (!plain && row->rule.words)
            plain = first = strndup(row->rule.words, strcspn(row->rule.words, " "));
        if (plain)
            taken = check_value(row, plain);
        for (size_t j = 0; nasty[j]; j++)
            taken = check_value(row, nasty[j]) || taken;
        if (!taken)
            fail_msg("no value is one of %s", row->key);
    }
    zones_done(&described_zones);
}

/* Ids of sections, and names of credentials. */
static void test_ids(_unused_ void **state)
{
    for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++) {
        for (size_t j = 0; nasty[j]; j++) {
            struct output output = {.files = 0};

            if (section_types[kind].takes_id)
                (void)check_vm(describe_setting(kind, NULL, nasty[j]), &output);
            else if (section_types[kind].take)
                (void)check_vm(describe_setting(kind, nasty[j], "x"), &output);
            unit_words_done(&output.words);
        }
    }
}

/* What a file or a drop-in is called, be it a good one, one without a UUID, or none at all. */
static void test_file_names(_unused_ void **state)
{
    static const char *const texts[] = {VM_A, "[vm]\nkernel=k\n", "foo\n", "[vm]\nautostart=yes\n"};

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        for (size_t j = 0; nasty[j]; j++) {
            struct output output = {.files = 0};
            struct vm_config *config;
            char label[300], path[PATH_MAX];

            (void)snprintf(label, sizeof(label), "%.280s.ini", nasty[j]);
            (void)check_vm(describe(label, texts[i], strlen(texts[i]), NULL), &output);
            (void)snprintf(path, sizeof(path), "/etc/volt/vms/%s", nasty[j]);
            assert_int_equal(vm_config_new(path, path, &config), 0);
            assert_int_equal(
                vm_config_read(config, vm_config_source(config), texts[i], strlen(texts[i])), 0);
            assert_int_equal(vm_config_finish(config, &described_zones), 0);
            (void)check_vm(config, &output);
            unit_words_done(&output.words);
        }
    }
}

/* A VM in zone z, whose file, called PATH, has TEXT. Returns whether it was taken. */
static bool check_zone(const char *path, const char *text, size_t size)
{
    static const char vm[] = VM_A "[network eth0]\nzone=z\nipv4=auto\n";
    struct output output = {.files = 0};
    bool taken;

    add_zone(path, text, size);
    check_problems(&described_zones.items[0]->problems);
    taken = check_vm(describe_text(vm), &output);
    unit_words_done(&output.words);
    zones_done(&described_zones);
    return taken;
}

/* The file of a zone in which KEY is VALUE, called PATH. */
static bool check_zone_setting(const char *path, const char *key, const char *value)
{
    _cleanup_free_ char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    (void)fputs("[zone]\n", f);
    write_needed(f, SECTION_ZONE, key);
    if (key)
        (void)fprintf(f, "%s = %s\n", key, value);
    assert_int_equal(fclose(f), 0);
    return check_zone(path, text, size);
}

static void test_zones(_unused_ void **state)
{
    assert_true(check_zone_setting("/etc/volt/zones/z.ini", NULL, NULL));
    for (size_t i = 0; i < zone_schema_count; i++) {
        unsigned taken = 0;

        for (size_t j = 0; nasty[j]; j++)
            taken +=
                check_zone_setting("/etc/volt/zones/z.ini", zone_schema[i].key, nasty[j]) ? 1 : 0;
        if (taken == 0 && zone_schema[i].parse == parse_ifname)
            fail_msg("no value is one of %s", zone_schema[i].key);
    }
    for (size_t j = 0; nasty[j]; j++)
        (void)check_zone_setting(nasty[j], NULL, NULL);
}

/* Lines without end are refused by their number, whatever they are. */
static void test_long_lines(_unused_ void **state)
{
    static const char *const heads[] = {"", "#", "[", "[vm", "uuid = ", "kernel = /", "= ", " "};

    for (size_t i = 0; i < ELEMENTSOF(heads); i++) {
        struct output output = {.files = 0};
        _cleanup_free_ char *text = NULL, *problems = NULL;
        struct vm_config *config;

        assert_true(asprintf(&text, "%s%s%s\nfoo = 1\n", VM_A, heads[i], megabyte) > 0);
        config = describe_text(text);
        problems = problems_text(&config->problems);
        if (!strstr(problems, "web.ini:4: the line has 1048") ||
            !strstr(problems, "web.ini:5: unknown key 'foo'"))
            fail_msg("'%s…' comes to:\n%s", heads[i], problems);
        assert_false(check_vm(config, &output));
        unit_words_done(&output.words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_harm_every_section_is_taken),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_file_names),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_long_lines),
    };

    memset(megabyte, 'A', sizeof(megabyte) - 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
