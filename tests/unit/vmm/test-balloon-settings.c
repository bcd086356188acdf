/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What --balloon= takes, at the start and later, and what it says about the rest. */
#include "device-world.h"
#include "vmm/devices/balloon-device.h"
#include "vmm/virtio/reply.h"

static void test_settings(void **state _unused_)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "'' is no id"},
        {"B", "'B' is no id"},
        {"b,size", "'size' has no value: write size="},
        {"b,size=", "size= is not from 0 to"},
        {"b,size=-1", "size=-1 is not from"},
        {"b,size=1048577", "size=1048577 is not from 0 to 1048576"},
        {"b,statistics=1s", "statistics=1s is not from 0 to 86400"},
        {"b,reporting=true", "reporting=true is neither yes nor no"},
        {"b,deflate-on-oom=", "deflate-on-oom= is neither yes nor no"},
        {"b,file=", "file='' is neither"},
        {"b,file=fd:", "file='fd:' is neither"},
        {"b,target=3", "unknown setting 'target'"},
    };
    struct balloon_settings settings;

    assert_int_equal(balloon_settings_parse("b", &settings), 0);
    assert_true(settings.deflate_on_oom && settings.reporting);
    assert_int_equal(settings.size_mib, 0);
    assert_int_equal(settings.statistics_sec, 0);
    assert_int_equal(balloon_settings_parse("b,size=64,deflate-on-oom=no,reporting=no,statistics=9,"
                                            "file=fd:x",
                                            &settings),
                     0);
    assert_false(settings.deflate_on_oom || settings.reporting);
    assert_int_equal(settings.size_mib, 64);
    assert_int_equal(settings.statistics_sec, 9);
    assert_string_equal(settings.file, "fd:x");
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct capture capture = capture_start();
        int r = balloon_settings_parse(cases[i].text, &settings);
        _cleanup_free_ char *text = capture_end(&capture);

        if (r != -EINVAL || !strstr(text, cases[i].message))
            fail_msg("'%s': %d, %s", cases[i].text, r, text);
        assert_int_equal(count_lines(text), 1);
    }
}

struct reconfiguration {
    struct virtio_device *device;
    const char *argument;
    char reply[REPLY_SIZE];
    int r;
};

static void reconfigure_there(void *argument)
{
    struct reconfiguration *it = argument;

    it->r = it->device->type->reconfigure(it->device, it->argument, it->reply, sizeof(it->reply));
}

static void test_reconfigure(void **state _unused_)
{
    static const struct {
        const char *argument;
        int r;
        uint32_t size;
        unsigned signals;
        const char *reply;
    } cases[] = {
        {"b,size=8", 0, 8, 0, ""},
        {"b,size=16", 0, 16, 1, "size: 8 → 16 MiB\n"},
        {"b,size=16", 0, 16, 1, ""},
        {"b,size=4,reporting=no", 0, 4, 2,
         "size: 16 → 4 MiB\nreporting: - → no takes effect at the next start\n"},
        {"b,size=32", -EINVAL, 4, 2, "a balloon of 32 MiB leaves a guest of 32 MiB nothing\n"},
        {"b,size=many", -EINVAL, 4, 2, "'b,size=many' is no balloon's setting\n"},
        {"b", 0, 0, 3, "size: 4 → 0 MiB\n"},
    };
    struct world *world = world_new(balloon_create, "b,size=8", -EBADF);
    struct capture capture = capture_start();

    bring_up(world, 3, 0);
    assert_true(wait_status(world, READY));
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct reconfiguration it = {.device = world->device, .argument = cases[i].argument};
        struct virtio_balloon_config config;

        worker_call(&world->device->worker, reconfigure_there, &it);
        assert_int_equal(it.r, cases[i].r);
        assert_string_equal(it.reply, cases[i].reply);
        world->device->type->read_config(world->device, 0, &config, sizeof(config));
        assert_int_equal(config.num_pages, cases[i].size * 256);
        assert_int_equal(atomic_load(&world->config_signals), cases[i].signals);
    }
    free(capture_end(&capture));
    world_free(world);
}

/* Nothing of the guest's would be left. */
static void test_too_large(void **state _unused_)
{
    struct guest_memory memory;
    const struct device_environment environment = {.memory = &memory};
    struct virtio_device *device;
    struct capture capture = capture_start();

    assert_int_equal(guest_memory_init(&memory, 16 * MIB), 0);
    assert_int_equal(balloon_create("b,size=16", &environment, &device), -EINVAL);
    assert_int_equal(balloon_create("b,size=15", &environment, &device), 0);
    device->type->destroy(device);
    guest_memory_done(&memory);
    _cleanup_free_ char *text = capture_end(&capture);
    assert_non_null(strstr(text, "a balloon of 16 MiB leaves a guest of 16 MiB nothing"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_reconfigure),
        cmocka_unit_test(test_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
