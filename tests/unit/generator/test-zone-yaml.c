/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Voltainer's zones: what is taken from YAML, and what is said about the rest. */
#include "tests/unit/generator/describe.h"

#include <arpa/inet.h>

#define KIND   "kind: NetworkZone\n"
#define BRIDGE "bridge: br0\n"
#define SUBNET "subnet: 10.42.0.0/24\n"
#define ZONE   KIND BRIDGE SUBNET
#define A59    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct zone *zone_of(const char *text, size_t size)
{
    struct zone *zone = NULL;

    assert_int_equal(zone_new("default", "/z.yaml", &zone), 0);
    assert_int_equal(zone_read_yaml(zone, text, size), 0);
    zone_finish(zone);
    return zone;
}

static void expect_bytes(const char *text, size_t size, const char *problems)
{
    _cleanup_zone_ struct zone *zone = zone_of(text, size);
    _cleanup_free_ char *found = problems_text(&zone->problems);

    assert_string_equal(found, problems);
}

static void expect(const char *text, const char *problems)
{
    expect_bytes(text, strlen(text), problems);
}

static void expect_any_problem(const char *text, size_t size)
{
    _cleanup_zone_ struct zone *zone = zone_of(text, size);

    assert_true(zone->problems.count > 0);
}

/* Each form says the same. */
static void test_forms(_unused_ void **state)
{
    static const char *const forms[] = {
        ZONE "name: default\ngateway: 10.42.0.1\ndhcp:\n  enabled: true\n"
             "  range: 10.42.0.100-10.42.0.199\n",
        "spec:\n  " BRIDGE "  " SUBNET "  gateway: 10.42.0.1\n  dhcp:\n    enabled: True\n"
        "    range: 10.42.0.100,10.42.0.199\nmetadata: {name: default, labels: {a: [b]}}\n" KIND,
        ZONE "gateway: '10.42.0.1'\ndhcp: {enabled: yes, range: [10.42.0.100, 10.42.0.199]}\n",
        ZONE "gateway: \"10.42.0.1\"\ndhcp: {enabled: ON, range: {start: 10.42.0.100, end: "
             "10.42.0.199, step: 1}}\n",
        "{\"kind\": \"NetworkZone\", \"bridge\": \"br0\", \"subnet\": \"10.42.0.0/24\", "
        "\"gateway\": \"10.42.0.1\", \"dhcp\": {\"enabled\": true, "
        "\"range\": \"10.42.0.100 - 10.42.0.199\"}}",
        "--- # one document\n" ZONE "gateway: &g 10.42.0.1\nother: *g\ndhcp:\n  enabled: on\n"
        "  range: 10.42.0.100, 10.42.0.199\n...\n",
        ZONE "known: {gateway: &g 10.42.0.1}\ngateway: *g\nmtu: 9000\n? [a, b]\n: c\n"
             "dhcp: {enabled: 'yes', range: 10.42.0.100-10.42.0.199, lease: 1h, lease: 2h}\n",
    };

    for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
        _cleanup_zone_ struct zone *zone = zone_of(forms[i], strlen(forms[i]));
        _cleanup_free_ char *problems = problems_text(&zone->problems);

        assert_string_equal(problems, "");
        assert_string_equal(zone->bridge, "br0");
        assert_int_equal(ntohl(zone->subnet.address.s_addr), 0x0a2a0000);
        assert_int_equal(zone->subnet.prefix, 24);
        assert_int_equal(ntohl(zone->gateway.s_addr), 0x0a2a0001);
        assert_true(zone->dhcp);
        assert_int_equal(zone->dhcp_range.first, 0x0a2a0064);
        assert_int_equal(zone->dhcp_range.last, 0x0a2a00c7);
        assert_int_equal(zone->reserved.first, 0x0a2a0002);
        assert_int_equal(zone->reserved.last, 0x0a2a0063);
    }
}

static void test_nothing_said(_unused_ void **state)
{
    static const char text[] = ZONE "gateway: ~\nmetadata:\nspec: null\n"
                                    "dhcp:\n  enabled:\n  range: ~\n";
    _cleanup_zone_ struct zone *zone = zone_of(text, strlen(text));
    _cleanup_free_ char *problems = problems_text(&zone->problems);

    assert_string_equal(problems, "");
    assert_int_equal(zone->gateway.s_addr, 0);
    assert_false(zone->dhcp);
    assert_int_equal(zone->dhcp_range.last, 0);
}

static void test_messages(_unused_ void **state)
{
    static const struct {
        const char *text, *problems;
    } cases[] = {
        {"", "/z.yaml: there is nothing in the file\n"},
        {"# only\n---\n", "/z.yaml: there is nothing in the file\n"},
        {"- a\n", "/z.yaml:1: the file must be a mapping with kind: NetworkZone, not a list\n"},
        {"\nfoo\n",
         "/z.yaml:2: the file must be a mapping with kind: NetworkZone, not a single value\n"},
        {BRIDGE SUBNET, "/z.yaml: there is no kind; it must be NetworkZone\n"},
        {"kind: Pod\n" BRIDGE SUBNET, "/z.yaml:1: kind must be NetworkZone, not 'Pod'\n"},
        {"kind: [NetworkZone]\n" BRIDGE SUBNET,
         "/z.yaml:1: kind must be a single value, not a list\n"},
        {KIND SUBNET, "/z.yaml: there is no bridge; every zone needs one\n"},
        {KIND BRIDGE, "/z.yaml: there is no subnet; every zone needs one\n"},
        {ZONE "name: other\n",
         "/z.yaml:4: the name must be the one in the file's name, 'default', not 'other'\n"},
        {ZONE "metadata: {name: other}\n",
         "/z.yaml:4: the name must be the one in the file's name, 'default', not 'other'\n"},
        {ZONE "metadata: x\n", "/z.yaml:4: metadata must be a mapping, not a single value\n"},
        {ZONE BRIDGE, "/z.yaml:4: bridge stands here again; line 2 has it already\n"},
        {ZONE "spec:\n  " SUBNET, "/z.yaml:5: subnet stands here again; line 3 has it already\n"},
        {ZONE "gateway: 10.42.0.1/24\n",
         "/z.yaml:4: gateway must be an IPv4 address without a prefix, such as 10.42.0.1, not "
         "'10.42.0.1/24': there is no prefix here\n"},
        {ZONE "gateway: ''\n", "/z.yaml:4: gateway has no value; remove the line or give it one\n"},
        {ZONE "gateway: {a: b}\n", "/z.yaml:4: gateway must be a single value, not a mapping\n"},
        {ZONE "gateway: \"10.42.0.1\\0x\"\n", "/z.yaml:4: gateway has a NUL byte\n"},
        {ZONE "gateway: \"10\\n42\\x1b\"\n",
         "/z.yaml:4: gateway must be an IPv4 address without a prefix, such as 10.42.0.1, not "
         "'10\\x0a42\\x1b'\n"},
        {ZONE "dhcp: on\n", "/z.yaml:4: dhcp must be a mapping, not a single value\n"},
        {ZONE "dhcp:\n  enabled: maybe\n", "/z.yaml:5: dhcp must be yes or no, not 'maybe'\n"},
        /* The 60th byte that is shown would be half a letter. */
        {ZONE "dhcp:\n  enabled: " A59 "äb\n",
         "/z.yaml:5: dhcp must be yes or no, not '" A59 "...'\n"},
        {ZONE "dhcp:\n  enabled: yes\n", "/z.yaml:5: DHCP is on, but there is no range for it: VMs "
                                         "could not tell what is theirs\n"},
        {ZONE "dhcp: {range: 10.42.0.1}\n",
         "/z.yaml:4: dhcp_range must be two IPv4 addresses with '-' between, such as "
         "10.42.0.100-10.42.0.199, not '10.42.0.1': there is no '-' between two addresses\n"},
        {ZONE "dhcp: {range: [10.42.0.1]}\n",
         "/z.yaml:4: range must be FIRST-LAST, [FIRST, LAST], or a mapping of start and end\n"},
        {ZONE "dhcp: {range: {start: 10.42.0.1}}\n",
         "/z.yaml:4: range must be FIRST-LAST, [FIRST, LAST], or a mapping of start and end\n"},
        {ZONE "dhcp: {range: [10.42.0.1, [x]]}\n",
         "/z.yaml:4: range must be a single value, not a list\n"},
        {"base: &b {bridge: br0}\n" KIND SUBNET "<<: *b\n",
         "/z.yaml:1: '<<' is not followed here; write the keys out\n"
         "/z.yaml: there is no bridge; every zone needs one\n"},
        {ZONE "---\n" ZONE, "/z.yaml:5: a second document begins here; a zone's file has one\n"},
        {ZONE "gateway: *nobody\n", "/z.yaml:4: this is no YAML: found undefined alias\n"},
        {ZONE "a: [b\n", "/z.yaml:5: this is no YAML: did not find expected ',' or ']' while "
                         "parsing a flow sequence\n"},
        {ZONE "x: @y\n", "/z.yaml:4: this is no YAML: found character that cannot start any token "
                         "while scanning for the next token\n"},
        {ZONE "x: \xff\n", "/z.yaml:4: this is no YAML: invalid leading UTF-8 octet\n"},
        {ZONE "x: \x01\n", "/z.yaml:4: this is no YAML: control characters are not allowed\n"},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        expect(cases[i].text, cases[i].problems);
    expect_bytes(ZONE "x\0y: z\n", sizeof(ZONE "x\0y: z\n") - 1,
                 "/z.yaml:4: this is no YAML: control characters are not allowed\n");
}

/* Small files that keep simple readers busy for ever, or crash them. */
static void test_bombs(_unused_ void **state)
{
    static char text[64 * 1024];
    _cleanup_zone_ struct zone *cycle = NULL;
    char *p = text + sprintf(text, ZONE "a0: &a0 x\n");

    for (unsigned i = 1; i < 100; i++)
        p += sprintf(p, "a%u: &a%u [*a%u, *a%u, *a%u, *a%u, *a%u, *a%u, *a%u, *a%u]\n", i, i, i - 1,
                     i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    expect_bytes(text, (size_t)(p - text), "");

    p = text + sprintf(text, "--- &root\n" ZONE "spec: *root\nmetadata: *root\ndhcp: *root\n");
    cycle = zone_of(text, (size_t)(p - text));
    assert_int_equal(cycle->problems.count, 3); /* what stands in the other place again */

    memset(text, '[', sizeof(text));
    expect_bytes(text, sizeof(text),
                 "/z.yaml: the file has more than 256 '[' and '{'; nothing of it is read\n");
    expect_any_problem(text, 256); /* as deep as it gets */
    memset(text, '-', sizeof(text));
    for (size_t i = 1; i < sizeof(text); i += 2)
        text[i] = ' ';
    expect_any_problem(text, sizeof(text));
}

static void test_long_values(_unused_ void **state)
{
    static char text[60000];
    _cleanup_zone_ struct zone *zone = NULL;

    memset(text, 'x', sizeof(text) - 1);
    memcpy(text, ZONE "gateway: \"", strlen(ZONE "gateway: \""));
    memcpy(text + sizeof(text) - 4, "\"\n", 3);
    zone = zone_of(text, strlen(text));
    assert_int_equal(zone->problems.count, 1);
    assert_true(strlen(zone->problems.items[0].text) < 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),       cmocka_unit_test(test_nothing_said),
        cmocka_unit_test(test_messages),    cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_long_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
