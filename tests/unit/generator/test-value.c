/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each type of value: what it takes, what it refuses and why. */
#include "tests/unit/generator/describe.h"

#include "generator/value.h"

/* Expects PARSER to take TEXT. */
static void takes(value_parser parser, const struct value_rule *rule, const char *text, void *place)
{
    const char *reason = NULL;

    if (parser(text, rule, place, &reason) != 0)
        fail_msg("'%s' was refused: %s", text, reason ? reason : "no reason");
}

/* Expects PARSER to refuse TEXT for REASON (NULL: none), and to leave PLACE alone. */
static void refuses(value_parser parser, const struct value_rule *rule, const char *text,
                    const char *reason)
{
    char place[128], before[128];
    const char *given = NULL;

    memset(place, 0x5a, sizeof(place));
    memcpy(before, place, sizeof(place));
    if (parser(text, rule, place, &given) != -EINVAL)
        fail_msg("'%s' was taken", text);
    assert_memory_equal(place, before, sizeof(place));
    if (reason)
        assert_string_equal(given, reason);
    else
        assert_null(given);
}

static void test_uuid(_unused_ void **state)
{
    char uuid[UUID_LENGTH + 1];

    takes(parse_uuid, NULL, "6BA7B810-9dad-11d1-80B4-00C04FD430C8", uuid);
    assert_string_equal(uuid, UUID_A);
    refuses(parse_uuid, NULL, "6ba7b810-9dad-11d1-80b4-00c04fd430c", NULL);
    refuses(parse_uuid, NULL, "6ba7b810-9dad-11d1-80b4-00c04fd430c8a", NULL);
    refuses(parse_uuid, NULL, "6ba7b810-9dad-11d1-80b4-00c04fd430cg", NULL);
    refuses(parse_uuid, NULL, "6ba7b810a9dad-11d1-80b4-00c04fd430c8", NULL);
    refuses(parse_uuid, NULL, "6ba7b81-09dad-11d1-80b4-00c04fd430c8", NULL);
    refuses(parse_uuid, NULL, "00000000-0000-0000-0000-000000000000", "it is the nil UUID");
}

static void test_name(_unused_ void **state)
{
    char name[NAME_LENGTH_MAX + 1], text[NAME_LENGTH_MAX + 2];

    takes(parse_name, NULL, "Web-1.example_org", name);
    assert_string_equal(name, "Web-1.example_org");
    memset(text, 'a', sizeof(text) - 1);
    text[NAME_LENGTH_MAX + 1] = '\0';
    refuses(parse_name, NULL, text, NULL);
    text[NAME_LENGTH_MAX] = '\0';
    takes(parse_name, NULL, text, name);
    refuses(parse_name, NULL, "-web", NULL);
    refuses(parse_name, NULL, ".web", NULL);
    refuses(parse_name, NULL, "a b", NULL);
    refuses(parse_name, NULL, "a/b", NULL);
    refuses(parse_name, NULL, "a@b", NULL);
    refuses(parse_name, NULL, "a%b", NULL);
    refuses(parse_name, NULL, "\xc3\xa4", NULL);
}

static void test_ifname(_unused_ void **state)
{
    char name[IFNAME_LENGTH_MAX + 1];

    takes(parse_ifname, NULL, "tap-6ba7b810-12", name);
    assert_string_equal(name, "tap-6ba7b810-12");
    refuses(parse_ifname, NULL, "tap-6ba7b810-123", "it is too long");
    refuses(parse_ifname, NULL, "a,b", NULL);
    refuses(parse_ifname, NULL, "a:1", NULL);
    refuses(parse_ifname, NULL, "a%d", NULL);
    refuses(parse_ifname, NULL, "12", "digits alone are an interface's index");
    refuses(parse_ifname, NULL, "all", "the kernel uses this name itself");
    refuses(parse_ifname, NULL, "lo", "the kernel uses this name itself");
}

static void test_number(_unused_ void **state)
{
    const struct value_rule rule = {.min = 2, .max = 64};
    unsigned number;

    takes(parse_number, &rule, "2", &number);
    assert_int_equal(number, 2);
    takes(parse_number, &rule, "064", &number);
    assert_int_equal(number, 64);
    refuses(parse_number, &rule, "1", "it is too small");
    refuses(parse_number, &rule, "65", "it is too large");
    refuses(parse_number, &rule, "4294967298", "it is too large"); /* 2^32 + 2 */
    refuses(parse_number, &rule, "18446744073709551618", NULL);    /* 2^64 + 2 */
    refuses(parse_number, &rule, "-2", NULL);
    refuses(parse_number, &rule, "+2", NULL);
    refuses(parse_number, &rule, "2x", NULL);
    refuses(parse_number, &rule, "2 3", NULL);
    refuses(parse_number, &rule, "0x2", NULL);
    takes(parse_percent, &rule, "50%", &number);
    assert_int_equal(number, 50);
    refuses(parse_percent, &rule, "50", "there is no '%' at its end");
    refuses(parse_percent, &rule, "%", NULL);
    refuses(parse_percent, &rule, "1%", "it is too small");
}

static void test_bytes(_unused_ void **state)
{
    uint64_t bytes;

    takes(parse_bytes, NULL, "12345", &bytes);
    assert_int_equal(bytes, 12345);
    takes(parse_bytes, NULL, "3K", &bytes);
    assert_int_equal(bytes, 3072);
    takes(parse_bytes, NULL, "2G", &bytes);
    assert_int_equal(bytes, UINT64_C(2) << 30);
    takes(parse_bytes, NULL, "1T", &bytes);
    assert_int_equal(bytes, UINT64_C(1) << 40);
    takes(parse_bytes, NULL, "infinity", &bytes);
    assert_int_equal(bytes, MEMORY_INFINITY);
    refuses(parse_bytes, NULL, "0", "it is too small");
    refuses(parse_bytes, NULL, "8388608T", "it is too large");
    refuses(parse_bytes, NULL, "1g", NULL);
    refuses(parse_bytes, NULL, "1GB", NULL);
    refuses(parse_bytes, NULL, "G", NULL);
    refuses(parse_bytes, NULL, "50%", NULL);
}

static void test_cpus(_unused_ void **state)
{
    static const char *const good[] = {"0", "0-3", "0-3,8", "8,9-9,10", "0,8191"};
    static const struct {
        const char *text, *reason;
    } bad[] = {
        {"8192", "no machine has a CPU with such a number"},
        {"99999999999999999999999", "no machine has a CPU with such a number"},
        {"0-99999999999999999999999", "no machine has a CPU with such a number"},
        {"3-0", "a range goes from the smaller number to the larger one"},
        {"0-3,3", "every CPU is named once, in ascending order"},
        {"0-3,2-5", "every CPU is named once, in ascending order"},
        {"8,0-3", "every CPU is named once, in ascending order"},
        {"1,1", "every CPU is named once, in ascending order"},
        {"0 1", "numbers and ranges are separated by commas, without blanks"},
        {"0, 1", "numbers and ranges are separated by commas, without blanks"},
        {"0,", "numbers and ranges are separated by commas, without blanks"},
        {",0", "numbers and ranges are separated by commas, without blanks"},
        {"-1", "numbers and ranges are separated by commas, without blanks"},
        {"+1", "numbers and ranges are separated by commas, without blanks"},
        {"0-", "numbers and ranges are separated by commas, without blanks"},
        {"0-1-2", "numbers and ranges are separated by commas, without blanks"},
        {"0--1", "numbers and ranges are separated by commas, without blanks"},
        {"all", "numbers and ranges are separated by commas, without blanks"},
        {"0x1", "numbers and ranges are separated by commas, without blanks"},
    };
    _cleanup_free_ char *cpus = NULL;

    for (size_t i = 0; i < ELEMENTSOF(good); i++) {
        takes(parse_cpus, NULL, good[i], &cpus);
        assert_string_equal(cpus, good[i]);
    }
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        refuses(parse_cpus, NULL, bad[i].text, bad[i].reason);
}

static void test_words(_unused_ void **state)
{
    const struct value_rule rule = {.words = "networkd direct"};
    unsigned choice = 9;
    bool flag = false;

    takes(parse_boolean, NULL, "yes", &flag);
    assert_true(flag);
    takes(parse_boolean, NULL, "off", &flag);
    assert_false(flag);
    takes(parse_boolean, NULL, "1", &flag);
    assert_true(flag);
    refuses(parse_boolean, NULL, "Yes", NULL);
    refuses(parse_boolean, NULL, "yess", NULL);
    takes(parse_choice, &rule, "networkd", &choice);
    assert_int_equal(choice, 0);
    takes(parse_choice, &rule, "direct", &choice);
    assert_int_equal(choice, 1);
    refuses(parse_choice, &rule, "networkd direct", NULL);
    refuses(parse_choice, &rule, "dir", NULL);
}

static void test_path(_unused_ void **state)
{
    char *path = NULL, name[300] = "/";

    takes(parse_path, NULL, "/a/b c/..d/e..", &path);
    assert_string_equal(path, "/a/b c/..d/e..");
    takes(parse_path, NULL, "/x", &path); /* the old one is freed: the sanitizer looks */
    assert_string_equal(path, "/x");
    free(path);
    refuses(parse_path, NULL, "a/b", "it does not begin with '/'");
    refuses(parse_path, NULL, "/a/../b", "'..' is not allowed in it");
    refuses(parse_path, NULL, "/a/..", "'..' is not allowed in it");
    refuses(parse_path, NULL, "/a/", "it ends with '/'");
    refuses(parse_path, NULL, "/", "it ends with '/'");
    refuses(parse_path, NULL, "/a\tb", "it has a tab");
    memset(name + 1, 'a', 256);
    refuses(parse_path, NULL, name, "it is too long");
}

static void test_kernel(_unused_ void **state)
{
    char *path = NULL, text[CMDLINE_LENGTH_MAX + 2];

    takes(parse_kernel, NULL, "debian-12", &path);
    assert_string_equal(path, "debian-12");
    takes(parse_kernel, NULL, "/boot/vmlinuz", &path);
    assert_string_equal(path, "/boot/vmlinuz");
    takes(parse_initrd, NULL, "none", &path);
    assert_string_equal(path, "none");
    refuses(parse_initrd, NULL, "no", "it does not begin with '/'");
    refuses(parse_kernel, NULL, "..", NULL);
    refuses(parse_kernel, NULL, "a/b", "it does not begin with '/'");
    refuses(parse_kernel, NULL, "/boot/../vmlinuz", "'..' is not allowed in it");

    memset(text, 'a', sizeof(text) - 1);
    text[CMDLINE_LENGTH_MAX + 1] = '\0';
    refuses(parse_cmdline, NULL, text, "it is too long");
    text[CMDLINE_LENGTH_MAX] = '\0';
    takes(parse_cmdline, NULL, text, &path);
    assert_string_equal(path, text);
    refuses(parse_cmdline, NULL, "a\tb", "it has a tab");
    free(path);
}

static void test_mac(_unused_ void **state)
{
    struct mac_address mac;
    char text[MAC_TEXT_SIZE];

    takes(parse_mac, NULL, "52:54:00:AB:cd:0f", &mac);
    mac_format(&mac, text);
    assert_string_equal(text, "52:54:00:ab:cd:0f");
    refuses(parse_mac, NULL, "53:54:00:12:34:56", "it is a multicast address");
    refuses(parse_mac, NULL, "ff:ff:ff:ff:ff:ff", "it is a multicast address");
    refuses(parse_mac, NULL, "00:00:00:00:00:00", "it is all zero");
    refuses(parse_mac, NULL, "52:54:00:12:34", NULL);
    refuses(parse_mac, NULL, "52:54:00:12:34:5", NULL);
    refuses(parse_mac, NULL, "52-54-00-12-34-56", NULL);
    refuses(parse_mac, NULL, "52:54:00:12:34:5g", NULL);
    refuses(parse_mac, NULL, "52:54:00:12:34:567", NULL);
}

static void test_ipv4(_unused_ void **state)
{
    const char *range = "a guest cannot have an address of this range";
    struct ipv4_address ipv4;

    takes(parse_ipv4, NULL, "10.42.0.10/24", &ipv4);
    assert_int_equal(ntohl(ipv4.address.s_addr), 0x0a2a000a);
    assert_int_equal(ipv4.prefix, 24);
    takes(parse_ipv4, NULL, "10.42.0.0/31", &ipv4);
    takes(parse_ipv4, NULL, "10.42.0.255/32", &ipv4);
    takes(parse_ipv4, NULL, "10.42.0.255/16", &ipv4);
    assert_false(ipv4.automatic);
    takes(parse_ipv4, NULL, "auto", &ipv4);
    assert_true(ipv4.automatic);
    assert_int_equal(ipv4.prefix, 0);
    refuses(parse_ipv4, NULL, "automatic", "there is no /PREFIX at its end");
    refuses(parse_ipv4, NULL, "10.42.0.10", "there is no /PREFIX at its end");
    refuses(parse_ipv4, NULL, "10.42.0/24", NULL);
    refuses(parse_ipv4, NULL, "10.42.0.256/24", NULL);
    refuses(parse_ipv4, NULL, "10.42.0.10/", NULL);
    refuses(parse_ipv4, NULL, "10.42.0.10/24x", NULL);
    refuses(parse_ipv4, NULL, "10.42.0.10/33", "the prefix must be from 1 to 32");
    refuses(parse_ipv4, NULL, "10.42.0.10/0", "the prefix must be from 1 to 32");
    refuses(parse_ipv4, NULL, "10.42.0.0/24", "it is the network's address, not a guest's");
    refuses(parse_ipv4, NULL, "10.42.0.255/24", "it is the broadcast address");
    refuses(parse_ipv4, NULL, "127.0.0.2/8", range);
    refuses(parse_ipv4, NULL, "224.0.0.1/24", range);
    refuses(parse_ipv4, NULL, "0.0.0.1/24", range);
}

static void test_subnet(_unused_ void **state)
{
    const char *prefix = "the prefix of a network must be from 4 to 30";
    struct ipv4_address subnet;
    struct ipv4_range range;

    takes(parse_subnet, NULL, "10.42.0.0/24", &subnet);
    range = ipv4_subnet_range(&subnet);
    assert_int_equal(range.first, 0x0a2a0000);
    assert_int_equal(range.last, 0x0a2a00ff);
    assert_true(ipv4_range_has(&range, 0x0a2a00ff));
    assert_false(ipv4_range_has(&range, 0x0a2a0100));
    takes(parse_subnet, NULL, "10.42.0.4/30", &subnet);
    takes(parse_subnet, NULL, "16.0.0.0/4", &subnet);
    refuses(parse_subnet, NULL, "10.42.0.1/24",
            "it is an address in the network, not the network's; its last bits must be 0");
    refuses(parse_subnet, NULL, "10.42.0.0/31", prefix);
    refuses(parse_subnet, NULL, "10.42.0.0/32", prefix);
    refuses(parse_subnet, NULL, "128.0.0.0/1", prefix);
    refuses(parse_subnet, NULL, "10.42.0.0", "there is no /PREFIX at its end");
    refuses(parse_subnet, NULL, "auto", "there is no /PREFIX at its end");
    refuses(parse_subnet, NULL, "224.0.0.0/8", "a guest cannot have an address of this range");
}

static void test_hosts(_unused_ void **state)
{
    struct in_addr host;
    struct ipv4_list list;

    takes(parse_host, NULL, "10.42.0.1", &host);
    assert_int_equal(ntohl(host.s_addr), 0x0a2a0001);
    refuses(parse_host, NULL, "10.42.0.1/24", "there is no prefix here");
    refuses(parse_host, NULL, "10.42.0", NULL);
    refuses(parse_host, NULL, "fe80::1", NULL);
    refuses(parse_host, NULL, "0.0.0.0", "no machine has an address of this range");
    takes(parse_hosts, NULL, "10.42.0.1  9.9.9.9\t1.1.1.1", &list);
    assert_int_equal(list.count, 3);
    assert_int_equal(ntohl(list.items[2].s_addr), 0x01010101);
    refuses(parse_hosts, NULL, "10.42.0.1 9.9.9.9 1.1.1.1 8.8.8.8", "there are too many");
    refuses(parse_hosts, NULL, "10.42.0.1, 9.9.9.9", NULL);
}

static void test_range(_unused_ void **state)
{
    struct ipv4_range range;

    takes(parse_range, NULL, "10.42.0.100-10.42.0.199", &range);
    assert_int_equal(range.first, 0x0a2a0064);
    assert_int_equal(range.last, 0x0a2a00c7);
    takes(parse_range, NULL, "10.42.0.100 \t- 10.42.0.100", &range);
    refuses(parse_range, NULL, "10.42.0.100", "there is no '-' between two addresses");
    refuses(parse_range, NULL, "10.42.0.100 10.42.0.199", "there is no '-' between two addresses");
    refuses(parse_range, NULL, "10.42.0.100-199", NULL);
    refuses(parse_range, NULL, "10.42.0.100-", NULL);
    refuses(parse_range, NULL, "-10.42.0.100", NULL);
    refuses(parse_range, NULL, "10.42.0.9-10.42.0.8", "its end comes before its beginning");
}

static void test_id(_unused_ void **state)
{
    assert_true(id_is_valid("eth0"));
    assert_true(id_is_valid("a-b_c0123456789"));
    assert_false(id_is_valid("a-b_c0123456789x"));
    assert_false(id_is_valid(""));
    assert_false(id_is_valid("Eth0"));
    assert_false(id_is_valid("eth,0"));
    assert_false(id_is_valid("eth.0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uuid),   cmocka_unit_test(test_name),  cmocka_unit_test(test_ifname),
        cmocka_unit_test(test_number), cmocka_unit_test(test_bytes), cmocka_unit_test(test_cpus),
        cmocka_unit_test(test_words),  cmocka_unit_test(test_path),  cmocka_unit_test(test_kernel),
        cmocka_unit_test(test_mac),    cmocka_unit_test(test_ipv4),  cmocka_unit_test(test_id),
        cmocka_unit_test(test_subnet), cmocka_unit_test(test_hosts), cmocka_unit_test(test_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
