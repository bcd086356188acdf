// SPDX-License-Identifier: LGPL-2.1-or-later
/* The arguments of volt-net: what passes, and what is said about what does not. */
#include "generator/nic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_all_keys(void **state _unused_)
{
    static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    _cleanup_free_ char *error = NULL;
    struct nic nic;

    assert_int_equal(nic_parse("eth0,mode=direct,tap=tap-6ba7b810,bridge=br0,mtu=9000,queues=4,"
                               "mac=52:54:00:12:34:56,ipv4=10.42.0.10/24",
                               &nic, &error),
                     0);
    assert_string_equal(nic.id, "eth0");
    assert_int_equal(nic.mode, NIC_MODE_DIRECT);
    assert_string_equal(nic.tap, "tap-6ba7b810");
    assert_string_equal(nic.bridge, "br0");
    assert_int_equal(nic.mtu, 9000);
    assert_int_equal(nic.queues, 4);
    assert_true(nic.has_mac);
    assert_memory_equal(nic.mac, mac, sizeof(mac));
}

static void test_defaults(void **state _unused_)
{
    _cleanup_free_ char *error = NULL;
    struct nic nic;

    assert_int_equal(nic_parse("lan,tap=t", &nic, &error), 0);
    assert_int_equal(nic.mode, NIC_MODE_NETWORKD);
    assert_string_equal(nic.bridge, "");
    assert_int_equal(nic.mtu, 0);
    assert_int_equal(nic.queues, 1);
    assert_false(nic.has_mac);
}

static void test_address(void **state _unused_)
{
    static const char text[] =
        "eth0,tap=t,bridge=br0,derived-mac=02:00:00:00:00:01,zone=default,ipv4=auto/24,"
        "pool=10.42.0.2-10.42.0.9+10.42.0.20,gateway=10.42.0.1,dns=10.42.0.1+9.9.9.9,"
        "address=cmdline,isolated=yes,antispoof=yes,rate=100";
    _cleanup_free_ char *error = NULL;
    char address[IPV4_TEXT_SIZE];
    uint32_t first, last;
    struct nic nic;

    assert_int_equal(nic_parse(text, &nic, &error), 0);
    assert_true(nic.has_mac);
    assert_true(nic.mac_is_derived);
    assert_string_equal(nic.zone, "default");
    assert_true(nic.ipv4_is_auto);
    assert_int_equal(nic.ipv4, 0);
    assert_int_equal(nic.prefix, 24);
    assert_string_equal(ipv4_text(nic.gateway, address), "10.42.0.1");
    assert_int_equal(nic.dns_count, 2);
    assert_string_equal(ipv4_text(nic.dns[1], address), "9.9.9.9");
    assert_int_equal(nic.address, NIC_ADDRESS_CMDLINE);
    assert_true(nic.isolated);
    assert_true(nic.antispoof);
    assert_int_equal(nic.rate, 100);
    assert_int_equal(nic_pool_next(&nic.pool, &first, &last), 1);
    assert_string_equal(ipv4_text(first, address), "10.42.0.2");
    assert_string_equal(ipv4_text(last, address), "10.42.0.9");
    assert_int_equal(nic_pool_next(&nic.pool, &first, &last), 1);
    assert_int_equal(first, last);
    assert_string_equal(ipv4_text(first, address), "10.42.0.20");
    assert_int_equal(nic_pool_next(&nic.pool, &first, &last), 0);
}

static void test_refused(void **state _unused_)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "'' is not an id: expected 1 to 15 of a-z 0-9 _ -"},
        {"Eth0,tap=t", "'Eth0' is not an id: expected 1 to 15 of a-z 0-9 _ -"},
        {"../x,tap=t", "'../x' is not an id: expected 1 to 15 of a-z 0-9 _ -"},
        {"sixteen-letters-,tap=t",
         "'sixteen-letters-' is not an id: expected 1 to 15 of a-z 0-9 _ -"},
        {"eth0", "tap= is missing"},
        {"eth0,", "'' is not key=value"},
        {"eth0,tap", "'tap' is not key=value"},
        {"eth0,tap=t,tap=u", "tap= is given twice"},
        {"eth0,tap=t,colour=red", "unknown key colour="},
        {"eth0,tap=", "tap=: expected an interface name of at most 15 characters"},
        {"eth0,tap=a/b", "tap=a/b: expected an interface name of at most 15 characters"},
        {"eth0,tap=tap%d", "tap=tap%d: expected an interface name of at most 15 characters"},
        {"eth0,tap=7", "tap=7: expected an interface name of at most 15 characters"},
        {"eth0,tap=..", "tap=..: expected an interface name of at most 15 characters"},
        {"eth0,tap=sixteen-letters-",
         "tap=sixteen-letters-: expected an interface name of at most 15 characters"},
        {"eth0,tap=t,bridge=t", "tap= and bridge= are the same"},
        {"eth0,tap=t,mode=on", "mode=on: expected networkd or direct"},
        {"eth0,tap=t,mtu=67", "mtu=67: expected a number from 68 to 65521"},
        {"eth0,tap=t,mtu=65522", "mtu=65522: expected a number from 68 to 65521"},
        {"eth0,tap=t,mtu=99999999999", "mtu=99999999999: expected a number from 68 to 65521"},
        {"eth0,tap=t,mtu= 1500", "mtu= 1500: expected a number from 68 to 65521"},

        {"eth0,tap=t,queues=0", "queues=0: expected a number from 1 to 64"},
        {"eth0,tap=t,queues=-1", "queues=-1: expected a number from 1 to 64"},
        {"eth0,tap=t,mac=52:54:00:12:34", "mac=52:54:00:12:34: expected a unicast address like "
                                          "52:54:00:12:34:56"},
        {"eth0,tap=t,mac=01:54:00:12:34:56", "mac=01:54:00:12:34:56: expected a unicast address "
                                             "like 52:54:00:12:34:56"},
        {"eth0,tap=t,mac=52-54-00-12-34-56", "mac=52-54-00-12-34-56: expected a unicast address "
                                             "like 52:54:00:12:34:56"},
        {"eth0,tap=t,mac=02:00:00:00:00:01,derived-mac=02:00:00:00:00:02",
         "mac= and derived-mac= exclude each other"},
        {"eth0,tap=t,ipv4=10.42.0/24",
         "ipv4=10.42.0/24: expected an address like 10.42.0.10/24, or auto/24"},
        {"eth0,tap=t,ipv4=10.42.0.1/33",
         "ipv4=10.42.0.1/33: expected an address like 10.42.0.10/24, or auto/24"},
        {"eth0,tap=t,ipv4=10.42.0.1",
         "ipv4=10.42.0.1: expected an address like 10.42.0.10/24, or auto/24"},
        {"eth0,tap=t,ipv4=auto/24", "ipv4=auto needs zone= and pool="},
        {"eth0,tap=t,zone=../x", "zone=../x: expected a name of at most 63 of A-Z a-z 0-9 _ . -"},
        {"eth0,tap=t,zone=..", "zone=..: expected a name of at most 63 of A-Z a-z 0-9 _ . -"},
        {"eth0,tap=t,pool=10.0.0.9-10.0.0.1",
         "pool=10.0.0.9-10.0.0.1: expected addresses like 10.42.0.2-10.42.0.9+10.42.0.20"},
        {"eth0,tap=t,pool=10.0.0.9+",
         "pool=10.0.0.9+: expected addresses like 10.42.0.2-10.42.0.9+10.42.0.20"},
        {"eth0,tap=t,pool=10.0.0.9", "pool= is of use with ipv4=auto only"},
        {"eth0,tap=t,dns=10.0.0.1-10.0.0.2",
         "dns=10.0.0.1-10.0.0.2: expected up to 16 addresses with + between"},
        {"eth0,tap=t,address=dhcp", "address= needs ipv4="},
        {"eth0,tap=t,address=dhcp,ipv4=10.0.0.2/8",
         "address=dhcp needs bridge= and mac= or derived-mac="},
        {"eth0,tap=t,antispoof=yes", "antispoof=yes needs mac= or derived-mac="},
        {"eth0,tap=t,isolated=yes", "isolated=yes needs bridge="},
        {"eth0,tap=t,rate=0", "rate=0: expected Mbit/s, a number from 1 to 100000"},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        _cleanup_free_ char *error = NULL;
        struct nic nic;

        assert_int_equal(nic_parse(cases[i].text, &nic, &error), -EINVAL);
        assert_string_equal(error, cases[i].error);
    }
}

static void test_conflicts(void **state _unused_)
{
    const struct nic same_tap[] = {{.id = "a", .tap = "t"}, {.id = "b", .tap = "t"}};
    const struct nic same_id[] = {{.id = "a", .tap = "t"}, {.id = "a", .tap = "u"}};
    const struct nic crossed[] = {{.id = "a", .tap = "t", .bridge = "u"}, {.id = "b", .tap = "u"}};
    const struct nic fine[] = {{.id = "a", .tap = "t", .bridge = "br0"},
                               {.id = "b", .tap = "u", .bridge = "br0"}};
    char *error = NULL;

    assert_int_equal(nic_check_all(same_tap, 2, &error), -EEXIST);
    assert_string_equal(error, "a and b both ask for the TAP t");
    free(error);
    assert_int_equal(nic_check_all(same_id, 2, &error), -EEXIST);
    assert_string_equal(error, "two interfaces have the id a");
    free(error);
    assert_int_equal(nic_check_all(crossed, 2, &error), -EEXIST);
    assert_string_equal(error, "u is the bridge of a and the TAP of b");
    free(error);
    assert_int_equal(nic_check_all(fine, 2, &error), 0);
}

static void test_uuid(void **state _unused_)
{
    assert_true(uuid_is_valid("6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
    assert_false(uuid_is_valid(""));
    assert_false(uuid_is_valid("6ba7b810-9dad-11d1-80b4-00c04fd430c"));
    assert_false(uuid_is_valid("6ba7b810-9dad-11d1-80b4-00c04fd430c8a"));
    assert_false(uuid_is_valid("6ba7b8109dad-11d1-80b4-00c04fd430c8-a"));
    assert_false(uuid_is_valid("../../../../../../../../../../../tmp"));
    assert_false(uuid_is_valid("6ba7b810-9dad-11d1-80b4-00c04fd430c/"));
}

static void test_derived_tap(void **state _unused_)
{
    static const char uuid[] = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

    assert_true(nic_tap_is_derived("tap-6ba7b810", uuid));
    assert_true(nic_tap_is_derived("tap-6ba7b810-1", uuid));
    assert_true(nic_tap_is_derived("tap-6ba7b810-7", "6BA7B810-9dad-11d1-80b4-00c04fd430c8"));
    assert_false(nic_tap_is_derived("tap-6ba7b811", uuid));
    assert_false(nic_tap_is_derived("tap-6ba7b81", uuid));
    assert_false(nic_tap_is_derived("tap-6ba7b810x", uuid));
    assert_false(nic_tap_is_derived("tap-6ba7b810-", uuid));
    assert_false(nic_tap_is_derived("tap-6ba7b810-x", uuid));
    assert_false(nic_tap_is_derived("tap0", uuid));
}

static void test_fdname(void **state _unused_)
{
    const struct nic nic = {.id = "fifteen-letters"};
    char name[NIC_FDNAME_SIZE];

    nic_fdname(&nic, 15, name);
    assert_string_equal(name, "net.fifteen-letters.15");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_keys),  cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_address),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_conflicts), cmocka_unit_test(test_derived_tap),
        cmocka_unit_test(test_uuid),      cmocka_unit_test(test_fdname),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
