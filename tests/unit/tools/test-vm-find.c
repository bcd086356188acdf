/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names and UUIDs, looked up in units as volt-generator writes them. */
#include "tools/vm-find.h"

#include <sys/stat.h>

#include "tests/unit/vmm/test.h"

#define UUID  "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define OTHER "6ba7b811-9dad-11d1-80b4-00c04fd430c8"

static char units[] = "/tmp/volt-test-XXXXXX";
static struct found_vm vm;

static void put(const char *name, const char *text)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", units, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    (void)mkdir(path, 0755);
    *slash = '/';
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int setup(void **state _unused_)
{
    if (!mkdtemp(units))
        return -1;
    put("volt-web.target",
        "[Unit]\nRequires=volt-vm@" UUID ".service\nAfter=volt-vm@" UUID ".service\n");
    put("volt-twice.target", "Requires=volt-vm@" UUID ".service\nAfter=volt-vm@" UUID
                             ".service\nRequires=volt-vm@" OTHER ".service\n");
    put("volt-bad.target", "Requires=volt-bad.service\nRequires=volt-vm@nonsense.service\n");
    put("volt-vm@" UUID ".service.d/50-volt.conf",
        "[Unit]\nDescription=Volt VM web\n[Service]\nSockets=volt-console@" UUID ".socket\n");
    put("volt-vm@" OTHER ".service.d/50-volt.conf",
        "Description=Volt VM plain \x1b[31m\n"
        "ExecStart=volt-vmm --cmdline=Sockets=volt-console@\n");
    return 0;
}

static int teardown(void **state _unused_)
{
    char command[64];

    (void)snprintf(command, sizeof(command), "rm -r %s", units);
    return system(command);
}

static void test_names(void **state _unused_)
{
    assert_int_equal(vm_find(units, "web", &vm), 0);
    assert_string_equal(vm.uuid, UUID);
    assert_string_equal(vm.name, "web");
    assert_true(vm.described && vm.has_console);
    assert_int_equal(vm_find(units, "twice", &vm), -ENOTUNIQ);
    assert_int_equal(vm_find(units, "bad", &vm), -EBADMSG);
    assert_int_equal(vm_find(units, "none", &vm), -ENOENT);
    assert_int_equal(vm_find(units, "", &vm), -ENOENT);
    assert_int_equal(vm_find(units, "../web", &vm), -ENOENT);
    assert_int_equal(vm_find(units, ".web", &vm), -ENOENT);
}

static void test_uuids(void **state _unused_)
{
    assert_int_equal(vm_find(units, "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", &vm), 0);
    assert_string_equal(vm.uuid, UUID);
    assert_string_equal(vm.name, "web");
    assert_true(vm.has_console);

    assert_int_equal(vm_find(units, OTHER, &vm), 0);
    assert_string_equal(vm.name, OTHER); /* that of the file is none */
    assert_true(vm.described);
    assert_false(vm.has_console);

    assert_int_equal(vm_find(units, "6ba7b812-9dad-11d1-80b4-00c04fd430c8", &vm), 0);
    assert_false(vm.described);
    assert_int_equal(vm_find(units, UUID "0", &vm), -ENOENT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_uuids),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
