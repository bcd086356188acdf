/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What --net= takes, and what it says about the rest. */
#include "test.h"
#include "vmm/devices/net.h"

static void test_all(void **state _unused_)
{
    static const uint8_t mac[] = {0x52, 0x54, 0x00, 0x12, 0xAB, 0xcd};
    struct net_settings settings;

    assert_int_equal(
        net_settings_parse("eth0,tap=fd:net.eth0,mac=52:54:00:12:AB:cd,mtu=9000,queues=8,"
                           "offloads=no,vhost=fd:vhost.eth0",
                           &settings),
        0);
    assert_string_equal(settings.id, "eth0");
    assert_string_equal(settings.tap, "fd:net.eth0");
    assert_true(settings.has_mac);
    assert_memory_equal(settings.mac, mac, 6);
    assert_int_equal(settings.mtu, 9000);
    assert_int_equal(settings.queues, 8);
    assert_false(settings.offloads);
    assert_string_equal(settings.vhost, "fd:vhost.eth0");
}

static void test_defaults(void **state _unused_)
{
    struct net_settings settings;

    assert_int_equal(net_settings_parse("a-b_9,tap=t", &settings), 0);
    assert_false(settings.has_mac);
    assert_int_equal(settings.mtu, 0);
    assert_int_equal(settings.queues, 1);
    assert_true(settings.offloads);
    assert_string_equal(settings.vhost, "");
    assert_int_equal(net_settings_parse("fifteen-letters,tap=t", &settings), 0);
    assert_int_equal(net_settings_parse("x,tap=t,mtu=68", &settings), 0);
    assert_int_equal(net_settings_parse("x,tap=t,mtu=65535", &settings), 0);
    assert_int_equal(settings.mtu, 65535);
}

static void test_refused(void **state _unused_)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "'' is no id"},
        {"Eth0,tap=t", "'Eth0' is no id"},
        {"../x,tap=t", "'../x' is no id"},
        {"sixteen-letters-,tap=t", "'sixteen-letters-' is no id"},
        {"eth0", "tap= is missing"},
        {"eth0,", "'' has no value"},
        {"eth0,tap", "'tap' has no value: write tap="},
        {"eth0,tap=", "tap='' is neither"},
        {"eth0,tap=0123456789012345678901234567890123456789012345678901234567890123", "is neither"},
        {"eth0,tap=t,colour=red", "unknown setting 'colour'"},
        {"eth0,tap=t,mtu=67", "mtu=67 is not from 68 to 65535"},
        {"eth0,tap=t,mtu=65536", "mtu=65536 is not"},
        {"eth0,tap=t,mtu=-1500", "mtu=-1500 is not"},
        {"eth0,tap=t,mtu=1500x", "mtu=1500x is not"},
        {"eth0,tap=t,mtu=", "mtu= is not"},
        {"eth0,tap=t,mtu=99999999999999999999", "is not from"},
        {"eth0,tap=t,queues=9", "queues=9 is not from 1 to 8"},
        {"eth0,tap=t,queues=0", "queues=0 is not from 1 to 8"},
        {"eth0,tap=t,offloads=0", "offloads=0 is neither yes nor no"},
        {"eth0,tap=t,vhost=", "vhost='' is neither fd:PREFIX nor a path"},
        {"eth0,tap=t,vhost=yes", "vhost='yes' is neither"},
        {"eth0,tap=t,vhost=/0123456789012345678901234567890123456789012345678901234567890123",
         "is neither"},
        {"eth0,tap=t,mac=", "'' is no unicast MAC"},
        {"eth0,tap=t,mac=52:54:00:12:34", "no unicast MAC"},
        {"eth0,tap=t,mac=52:54:00:12:34:56:78", "no unicast MAC"},
        {"eth0,tap=t,mac=52-54-00-12-34-56", "no unicast MAC"},
        {"eth0,tap=t,mac=52:54:00:12:34:5g", "no unicast MAC"},
        {"eth0,tap=t,mac=52:54:00:12:34:-1", "no unicast MAC"},
        {"eth0,tap=t,mac=52:54:00:12:34: 1", "no unicast MAC"},
        {"eth0,tap=t,mac=52:54:00:12:34:+1", "no unicast MAC"},
        {"eth0,tap=t,mac=52:54:00:12:34:0x", "no unicast MAC"},
        {"eth0,tap=t,mac=53:54:00:12:34:56", "no unicast MAC"}, /* a group's */
        {"eth0,tap=t,mac=ff:ff:ff:ff:ff:ff", "no unicast MAC"},
        {"eth0,tap=t,mac=00:00:00:00:00:00", "no unicast MAC"},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct capture capture = capture_start();
        struct net_settings settings = {.mtu = 42};
        int r = net_settings_parse(cases[i].text, &settings);
        _cleanup_free_ char *text = capture_end(&capture);

        if (r != -EINVAL || !strstr(text, cases[i].message))
            fail_msg("'%s': %d, %s", cases[i].text, r, text);
        assert_int_equal(count_lines(text), 1);
        assert_int_equal(settings.mtu, 42);
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
