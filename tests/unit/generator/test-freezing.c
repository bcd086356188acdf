// SPDX-License-Identifier: LGPL-2.1-or-later
/* What makes a VM's unit one that can be frozen: what is read of the kernel and systemd for it. */
#include "generator/freezing.h"
#include "generator/kernel-threads.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_kernel_threads_are_told_by_their_flags(void **state _unused_)
{
    assert_true(kernel_threads_is_one("222 (vhost-219) S 2 0 0 0 -1 2129984 0 0 0 0 0"));
    assert_false(kernel_threads_is_one("219 (volt-vmm) S 1 219 219 0 -1 4194560 0 0 0"));
    /* Names are anybody's to choose. */
    assert_false(kernel_threads_is_one("7 (a) S 2 0 0 0 -1 2129984 (b) S 1 7 7 0 -1 4194560 0"));
    assert_true(kernel_threads_is_one("7 (kvm-nx (7)) S 2 0 0 0 -1 2097152 0"));
    assert_false(kernel_threads_is_one(""));
    assert_false(kernel_threads_is_one("7 vhost S 2 0 0 0 -1 2129984"));
    assert_false(kernel_threads_is_one("7 (vhost) S 2 0 0 0 -1"));
}

static void test_only_kernel_threads_are_found(void **state _unused_)
{
    _cleanup_free_ unsigned *pids = NULL;
    char text[64];

    (void)snprintf(text, sizeof(text), "%d\n4000000000\n%d\n", getpid(), getppid());
    _cleanup_fclose_ FILE *f = fmemopen(text, strlen(text), "r");
    assert_int_equal(kernel_threads_find(f, &pids), 0);
    assert_null(pids);
}

static void test_the_group_is_that_of_the_unified_hierarchy(void **state _unused_)
{
    static const struct {
        const char *text, *group;
    } cases[] = {
        {"0::/volt.slice/volt-vm@x.service\n", "/volt.slice/volt-vm@x.service"},
        {"4:cpu:/a\n1:name=systemd:/b\n0::/c d/volt-vm@x.service\n", "/c d/volt-vm@x.service"},
        {"0::/volt-vm@x.service\n", "/volt-vm@x.service"},
        {"0::/\n", NULL},
        {"0::/volt.slice/volt-vm@y.service\n", NULL},
        {"0::/volt.slice/volt-vm@x.service/a\n", NULL},
        {"0::/evolt-vm@x.service\n", NULL},
        {"10::/volt-vm@x.service\n1:name=0::/volt-vm@x.service\n", NULL},
        {"0::/volt-vm@x.service", NULL},
        {"", NULL},
        {"\n", NULL},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        _cleanup_free_ char *group = kernel_threads_group(cases[i].text, "x");

        if (cases[i].group)
            assert_string_equal(group, cases[i].group);
        else
            assert_null(group);
    }
}

static void test_the_slice_is_one_slice(void **state _unused_)
{
    char slice[KERNEL_THREADS_SLICE_SIZE];

    kernel_threads_slice("6ba7b810-9dad-11d1-80b4-00c04fd430c8", slice);
    assert_string_equal(slice, "volt-6ba7b8109dad11d180b400c04fd430c8.slice");
}

static void test_systemd_heeds_a_freeze_from_258_on(void **state _unused_)
{
    assert_true(freezing_is_not_heeded("252.39-1~deb12u1"));
    assert_true(freezing_is_not_heeded("257"));
    assert_true(freezing_is_not_heeded("v255.4-1.fc40"));
    assert_false(freezing_is_not_heeded("258~rc1"));
    assert_false(freezing_is_not_heeded("260.1"));
    assert_false(freezing_is_not_heeded(""));
    assert_false(freezing_is_not_heeded("main"));
}

static void test_frozen_or_not(void **state _unused_)
{
    assert_true(freezing_is_frozen("populated 1\nfrozen 1\n"));
    assert_false(freezing_is_frozen("populated 1\nfrozen 0\n"));
    assert_false(freezing_is_frozen(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_threads_are_told_by_their_flags),
        cmocka_unit_test(test_only_kernel_threads_are_found),
        cmocka_unit_test(test_the_group_is_that_of_the_unified_hierarchy),
        cmocka_unit_test(test_the_slice_is_one_slice),
        cmocka_unit_test(test_systemd_heeds_a_freeze_from_258_on),
        cmocka_unit_test(test_frozen_or_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
