/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What --disk= takes, and what it says about the rest. */
#include "test.h"
#include "vmm/devices/disk.h"

static void test_all(void **state _unused_)
{
    struct disk_settings settings;

    assert_int_equal(
        disk_settings_parse(
            "root,file=fd:disk.root,readonly,cache=none,queues=8,engine=sync,iops=10,mbps=20",
            &settings),
        0);
    assert_string_equal(settings.id, "root");
    assert_string_equal(settings.file, "fd:disk.root");
    assert_true(settings.readonly);
    assert_int_equal(settings.cache, DISK_CACHE_NONE);
    assert_int_equal(settings.queues, 8);
    assert_int_equal(settings.engine, DISK_ENGINE_SYNC);
    assert_int_equal(settings.iops, 10);
    assert_int_equal(settings.mbps, 20);
    assert_int_equal(disk_settings_parse("a,file=f,engine=io_uring", &settings), 0);
    assert_int_equal(settings.engine, DISK_ENGINE_IO_URING);
}

static void test_defaults(void **state _unused_)
{
    struct disk_settings settings;

    assert_int_equal(disk_settings_parse("a-b_9,file=/x/y=z", &settings), 0);
    assert_string_equal(settings.file, "/x/y=z");
    assert_false(settings.readonly);
    assert_int_equal(settings.cache, DISK_CACHE_WRITEBACK);
    assert_int_equal(settings.queues, 1);
    assert_int_equal(settings.engine, DISK_ENGINE_AUTO);
    assert_int_equal(settings.iops | settings.mbps, 0);
    assert_int_equal(disk_settings_parse("fifteen-letters,file=f,cache=writeback", &settings), 0);
}

static void test_refused(void **state _unused_)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "'' is no id"},
        {"Root,file=f", "'Root' is no id"},
        {"sixteen-letters-,file=f", "'sixteen-letters-' is no id"},
        {"root", "file= is missing"},
        {"root,", "'' has no value"},
        {"root,file", "'file' has no value: write file="},
        {"root,file=", "file='' is neither"},
        {"root,file=fd:", "file='fd:' is neither"},
        {"root,file=f,size=1", "unknown setting 'size'"},
        {"root,file=f,readonly=no", "unknown setting 'readonly'"},
        {"root,file=f,cache=", "cache= is neither writeback nor none"},
        {"root,file=f,cache=unsafe", "cache=unsafe is neither"},
        {"root,file=f,engine=threads", "engine=threads is none of auto, io_uring and sync"},
        {"root,file=f,iops=0", "iops=0 is not from 1 to 10000000"},
        {"root,file=f,iops=-1", "iops=-1 is not"},
        {"root,file=f,iops=10000001", "iops=10000001 is not"},
        {"root,file=f,mbps=", "mbps= is not from 1 to 100000"},
        {"root,file=f,mbps=1x", "mbps=1x is not"},
        {"root,file=f,queues=0", "queues=0 is not from 1 to 8"},
        {"root,file=f,queues=9", "queues=9 is not"},
        {"root,file=f,queues=", "queues= is not"},
        {"root,file=f,queues=+1", "queues=+1 is not"},
        {"root,file=f,queues=1x", "queues=1x is not"},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct capture capture = capture_start();
        struct disk_settings settings = {.queues = 42};
        int r = disk_settings_parse(cases[i].text, &settings);
        _cleanup_free_ char *text = capture_end(&capture);

        if (r != -EINVAL || !strstr(text, cases[i].message))
            fail_msg("'%s': %d, %s", cases[i].text, r, text);
        assert_int_equal(count_lines(text), 1);
        assert_int_equal(settings.queues, 42);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
