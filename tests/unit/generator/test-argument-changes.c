// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a reload says of the helpers' arguments; and how they are kept until then. */
#include "generator/argument-changes.h"
#include "generator/run-arguments.h"

#include "temporary-dir.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static char told[4096];

static void tell(void *context, const char *line)
{
    assert_ptr_equal(context, told);
    strcat(told, line);
    strcat(told, "\n");
}

#define NET(old, new)                                                                              \
    (told[0] = '\0',                                                                               \
     argument_changes_net((char *[]){old, NULL}, (char *[]){new, NULL}, tell, told), told)
#define OPEN(old, new)                                                                             \
    (told[0] = '\0',                                                                               \
     argument_changes_open((char *[]){old, NULL}, (char *[]){new, NULL}, tell, told), told)

static void test_net(void **state _unused_)
{
    assert_string_equal(NET("--nic=eth0,tap=t,mtu=9000", "--nic=eth0,mtu=9000,tap=t"), "");
    assert_string_equal(NET("--nic=eth0,bridge=br0", "--nic=eth0,bridge=br1"),
                        "net eth0: bridge: br0 → br1 takes effect at the next start\n");
    assert_string_equal(NET("--nic=eth0,bridge=br0", "--nic=eth0,zone=a,isolated=yes"),
                        "net eth0: bridge: br0 → - takes effect at the next start\n"
                        "net eth0: zone: - → a takes effect at the next start\n"
                        "net eth0: isolated: - → yes takes effect at the next start\n");
    assert_string_equal(NET("--nic=eth0,bridge=br0", "--nic=eth01,bridge=br1"), "");
    assert_string_equal(NET("--nic=eth0,mtu=1", "--uuid=x"), "");
    assert_string_equal(NET("up", "up"), "");
    assert_string_equal(NET("--nic=", "--nic="), "");
}

static void test_open(void **state _unused_)
{
    assert_string_equal(OPEN("--read-only=kernel=/a", "--read-only=kernel=/a"), "");
    assert_string_equal(OPEN("--read-only=kernel=/a", "--read-only=kernel=/b"),
                        "kernel: /a → /b takes effect at the next start\n");
    assert_string_equal(OPEN("--read-only=disk.root=/a", "--read-write=disk.root=/a"), "");
    assert_string_equal(OPEN("--read-only=disk.root=/a=b", "--read-write=disk.root=/a=c"),
                        "disk.root: /a=b → /a=c takes effect at the next start\n");
    assert_string_equal(OPEN("--read-only=disk.root=/a", "--read-only=disk.data=/a"), "");
    assert_string_equal(OPEN("--managed=kernel=debian-12", "--managed=kernel=debian-13"),
                        "kernel: debian-12 → debian-13 takes effect at the next start\n");
    assert_string_equal(OPEN("--managed=kernel=debian-12", "--read-only=kernel=/k"),
                        "kernel: debian-12 → /k takes effect at the next start\n");
    assert_string_equal(OPEN("--read-only=initrd=/a", "--read-only=kernel=/a"),
                        "initrd: /a → - takes effect at the next start\n");
    assert_string_equal(OPEN("--read-only=kernel=/a", "--read-only=initrd=/a"),
                        "initrd: - → /a takes effect at the next start\n");
    assert_string_equal(OPEN("nonsense", "x="), "");
}

static void test_expand(void **state _unused_)
{
    static const struct {
        const char *text, *expanded;
    } rows[] = {
        {"--net=eth0,mac=${VOLT_TEST}", "--net=eth0,mac=52:54"},
        {"$$HOME ${VOLT_NONE}.", "$HOME ."},
        {"$VOLT_TEST ${", "$VOLT_TEST ${"},
        {"$${VOLT_TEST}", "${VOLT_TEST}"},
        {"", ""},
    };

    assert_int_equal(setenv("VOLT_TEST", "52:54", true), 0);
    assert_int_equal(unsetenv("VOLT_NONE"), 0);
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_free_ char *expanded = argument_expand(rows[i].text);

        assert_string_equal(expanded, rows[i].expanded);
    }
}

static void test_keep(void **state _unused_)
{
    _cleanup_(temporary_dir_done) struct temporary_dir dir = temporary_dir_new();
    char path[64], **list = NULL;

    (void)snprintf(path, sizeof(path), "%s/new", dir.path);
    assert_int_equal(run_arguments_load(path, "x", &list), -ENOENT);
    assert_int_equal(
        run_arguments_save(path, "x", (char *[]){"--a=b", "", "two\nlines", "grün", NULL}), 0);
    assert_int_equal(run_arguments_load(path, "x", &list), 0);
    assert_string_equal(list[0], "--a=b");
    assert_string_equal(list[1], "");
    assert_string_equal(list[2], "grün");
    assert_null(list[3]);
    run_arguments_free(list);
    assert_int_equal(run_arguments_load(path, "y", &list), -ENOENT);
    assert_int_equal(run_arguments_save(path, "x", (char *[]){NULL}), 0);
    assert_int_equal(run_arguments_load(path, "x", &list), 0);
    assert_null(list[0]);
    run_arguments_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_net),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_expand),
        cmocka_unit_test(test_keep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
