// SPDX-License-Identifier: LGPL-2.1-or-later
/* Addresses that are kept for VMs, and what VMs are called. */
#include "generator/run-dir.h"
#include "generator/vm-name.h"
#include "generator/zone-address.h"

#include "temporary-dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

static const struct zone_owner ours = {"6ba7b810-9dad-11d1-80b4-00c04fd430c8", "eth0"};
static const struct zone_owner second = {"6ba7b810-9dad-11d1-80b4-00c04fd430c8", "eth1"};
static const struct zone_owner theirs = {"6ba7b811-9dad-11d1-80b4-00c04fd430c8", "eth0"};

#define ADDRESS 0x0a2a0009 /* 10.42.0.9 */

static void test_take_and_drop(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_close_ int fd = -EBADF;
    struct zone_owner owner;

    assert_int_equal(zone_address_open(dir.path, "lab", false), -ENOENT);
    fd = zone_address_open(dir.path, "lab", true);
    assert_true(fd >= 0);
    assert_int_equal(zone_address_owner(fd, ADDRESS, &owner), 0);
    assert_int_equal(zone_address_take(fd, ADDRESS, &ours), 0);
    assert_true(temporary_exists(&dir, "lab/10.42.0.9"));
    assert_int_equal(zone_address_take(fd, ADDRESS, &ours), 0);
    assert_int_equal(zone_address_take(fd, ADDRESS, &theirs), -EEXIST);
    assert_int_equal(zone_address_take(fd, ADDRESS, &second), -EEXIST);
    assert_int_equal(zone_address_owner(fd, ADDRESS, &owner), 1);
    assert_true(zone_owner_equal(&owner, &ours));
    assert_int_equal(zone_address_drop(fd, ADDRESS), 0);
    assert_int_equal(zone_address_drop(fd, ADDRESS), 0);
    assert_int_equal(zone_address_take(fd, ADDRESS, &theirs), 0);
}

/* A power failure can leave an empty file; nobody's is what makes no sense. */
static void test_damaged(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_close_ int fd = zone_address_open(dir.path, "lab", true);
    struct zone_owner owner;

    temporary_write(&dir, "lab/10.42.0.9", "");
    assert_int_equal(zone_address_owner(fd, ADDRESS, &owner), 0);
    temporary_write(&dir, "lab/10.42.0.9", "../../etc eth0\n");
    assert_int_equal(zone_address_owner(fd, ADDRESS, &owner), 0);
    assert_int_equal(zone_address_take(fd, ADDRESS, &ours), 0);
    assert_int_equal(zone_address_owner(fd, ADDRESS, &owner), 1);
}

static void test_find(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_close_ int fd = zone_address_open(dir.path, "lab", true);
    uint32_t address;

    assert_int_equal(zone_address_find(fd, &ours, NULL, &address), 0);
    assert_int_equal(zone_address_take(fd, ADDRESS, &ours), 0);
    assert_int_equal(zone_address_take(fd, ADDRESS + 1, &ours), 0);
    assert_int_equal(zone_address_take(fd, ADDRESS + 2, &theirs), 0);
    assert_int_equal(zone_address_find(fd, &ours, NULL, &address), 1);
    assert_int_equal(address, ADDRESS);
    assert_int_equal(zone_address_find(fd, &ours, "10.42.0.2-10.42.0.3+10.42.0.10", &address), 1);
    assert_int_equal(address, ADDRESS + 1);
    assert_int_equal(zone_address_find(fd, &ours, "10.42.0.11-10.42.0.99", &address), 0);
    assert_int_equal(zone_address_find(fd, &second, NULL, &address), 0);
}

#define RACERS 8

/* Of those that take one address at the same time one gets it. */
static void test_race(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_close_ int fd = zone_address_open(dir.path, "lab", true);
    int won = 0;

    for (int i = 0; i < RACERS; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            struct zone_owner owner = ours;

            owner.uuid[35] = (char)('0' + i);
            _exit(zone_address_take(fd, ADDRESS, &owner) == 0 ? 0 : 1);
        }
    }
    for (int i = 0; i < RACERS; i++) {
        int status;

        assert_true(wait(&status) > 0);
        won += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    assert_int_equal(won, 1);
}

static void test_label(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    char path[PATH_MAX], label[VM_LABEL_SIZE];

    assert_false(vm_is_described(dir.path, ours.uuid));
    assert_string_equal(vm_label(dir.path, ours.uuid, label),
                        "VM 6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    assert_int_equal(
        mkdir(temporary_path(&dir, "volt-vm@6ba7b810-9dad-11d1-80b4-00c04fd430c8.service.d", path),
              0755),
        0);
    assert_true(vm_is_described(dir.path, ours.uuid));
    temporary_write(&dir, "volt-vm@6ba7b810-9dad-11d1-80b4-00c04fd430c8.service.d/50-volt.conf",
                    "# x\n[Unit]\nDescription=Volt VM 100%% web\nPartOf=x\n");
    assert_string_equal(vm_label(dir.path, ours.uuid, label),
                        "VM 100% web (6ba7b810-9dad-11d1-80b4-00c04fd430c8)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take_and_drop), cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_find),          cmocka_unit_test(test_race),
        cmocka_unit_test(test_label),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
