/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Zones: what their files may say, where they are found, and what VMs take from them. */
#include "tests/unit/generator/describe.h"

#include <arpa/inet.h>

#include "generator/address-pool.h"
#include "generator/conflicts.h"
#include "tests/unit/generator/temporary-dir.h"

#define ZONE "[zone]\nbridge=br0\nsubnet=10.42.0.0/24\n"

static struct zone *zone_of(const char *text)
{
    struct zone *zone = NULL;

    assert_int_equal(zone_new("z", "/z.ini", &zone), 0);
    assert_int_equal(zone_read_ini(zone, text, strlen(text)), 0);
    zone_finish(zone);
    return zone;
}

static void expect(const char *text, const char *problems)
{
    _cleanup_zone_ struct zone *zone = zone_of(text);
    _cleanup_free_ char *found = problems_text(&zone->problems);

    assert_string_equal(found, problems);
}

static void test_messages(_unused_ void **state)
{
    static const struct {
        const char *text, *problems;
    } cases[] = {
        {ZONE, ""},
        {"", "/z.ini: there is no [zone] section; every zone needs one with at least bridge and "
             "subnet\n"},
        {"[zone]\n", "/z.ini: there is no bridge; every zone needs one\n"
                     "/z.ini: there is no subnet; every zone needs one\n"},
        {"bridge=br0\n" ZONE,
         "/z.ini:1: 'bridge' stands before any section; begin the file with [zone]\n"},
        {ZONE "[zone]\ndhcp=no\n", "/z.ini:4: [zone] stands here again, first in line 1; put its "
                                   "settings into one section\n"},
        {ZONE "[vm]\nuuid=x\n",
         "/z.ini:4: unknown section [vm]; a zone's file has [zone] and no other\n"},
        {ZONE "brige=x\n", "/z.ini:4: unknown key 'brige' in [zone]; did you mean 'bridge'?\n"},
        {ZONE "colour=x\n", "/z.ini:4: unknown key 'colour' in [zone]; see volt.zone(5) for those "
                            "that there are\n"},
        {ZONE "bridge=br1\n", "/z.ini:4: bridge is set again; line 2 sets it already\n"},
        {ZONE "gateway=\n", "/z.ini:4: gateway has no value; remove the line or give it one\n"},
        {ZONE "gateway=10.42.1.1\n", "/z.ini:4: gateway is not within the subnet, whose hosts are "
                                     "10.42.0.1 to 10.42.0.254\n"},
        {ZONE "gateway=10.42.0.0\n", "/z.ini:4: gateway is not within the subnet, whose hosts are "
                                     "10.42.0.1 to 10.42.0.254\n"},
        {ZONE "dhcp_range=10.42.0.100-10.42.0.255\n",
         "/z.ini:4: dhcp_range is not within the subnet, whose hosts are 10.42.0.1 to "
         "10.42.0.254\n"},
        {ZONE "gateway=10.42.0.7\ndhcp_range=10.42.0.7-10.42.0.9\n",
         "/z.ini:5: the gateway is in the DHCP range; leave it out of it\n"},
        {ZONE "dhcp_range=10.42.0.7-10.42.0.9\nreserved=10.42.0.2-10.42.0.7\n",
         "/z.ini:5: reserved and dhcp_range have addresses in common; part them\n"},
        {ZONE "dhcp=yes\n",
         "/z.ini:4: DHCP is on, but there is no range for it: VMs could not tell "
         "what is theirs\n"},
        {ZONE "x\n", "/z.ini:4: there is no '='; write key = value, [section], or # comment\n"},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        expect(cases[i].text, cases[i].problems);
}

static void expect_reserved(const char *text, uint32_t first, uint32_t last)
{
    _cleanup_zone_ struct zone *zone = zone_of(text);

    assert_int_equal(zone->problems.count, 0);
    assert_int_equal(zone->reserved.first, first);
    assert_int_equal(zone->reserved.last, last);
}

static void test_reserved(_unused_ void **state)
{
    expect_reserved(ZONE, 0x0a2a0001, 0x0a2a00fe);
    expect_reserved(ZONE "gateway=10.42.0.1\n", 0x0a2a0002, 0x0a2a00fe);
    expect_reserved(ZONE "gateway=10.42.0.254\n", 0x0a2a0001, 0x0a2a00fd);
    expect_reserved(ZONE "gateway=10.42.0.1\ndhcp_range=10.42.0.100-10.42.0.199\n", 0x0a2a0002,
                    0x0a2a0063);
    expect_reserved(ZONE "gateway=10.42.0.1\ndhcp_range=10.42.0.2-10.42.0.254\n", 0, 0);
    expect_reserved(ZONE "dhcp_range=10.42.0.1-10.42.0.254\n", 0, 0);
    expect_reserved(ZONE "reserved=10.42.0.7-10.42.0.8\n", 0x0a2a0007, 0x0a2a0008);
    expect_reserved("[zone]\nbridge=b\nsubnet=10.42.0.0/30\ngateway=10.42.0.1\n", 0x0a2a0002,
                    0x0a2a0002);
}

/* Adds the zone NAME for VMs to name. */
static void add_zone(const char *name, const char *text)
{
    struct zones *zones = &described_zones;
    struct zone *zone;

    assert_int_equal(zone_new(name, "/z.ini", &zone), 0);
    assert_int_equal(zone_read_ini(zone, text, strlen(text)), 0);
    zone_finish(zone);
    zones->items = reallocarray(zones->items, zones->count + 1, sizeof(struct zone *));
    assert_non_null(zones->items);
    zones->items[zones->count++] = zone;
}

static void test_pool(_unused_ void **state)
{
    struct vm_config *configs[4];

    add_zone("small", ZONE "gateway=10.42.0.4\nreserved=10.42.0.2-10.42.0.9\n");
    add_zone("other", "[zone]\nbridge=br1\nsubnet=10.42.0.0/24\n");
    configs[0] = describe_text(VM_A "[network a]\nzone=small\nipv4=auto\n");
    configs[1] = describe_text(VM_B "[network a]\nzone=small\nipv4=10.42.0.2/24\n"
                                    "[network b]\nbridge=br0\nipv4=10.42.0.8/16\n"
                                    "[network c]\nbridge=br1\nipv4=10.42.0.5/16\n"
                                    "[network d]\nzone=other\nipv4=10.42.0.6/24\n");
    assert_int_equal(pools_fill(&described_zones, configs, 2), 0);
    assert_string_equal(described_zones.items[0]->pool, "10.42.0.3+10.42.0.5-10.42.0.7+10.42.0.9");
    assert_null(described_zones.items[1]->pool);
    assert_problems(configs[0], "");
    assert_int_equal(configs[0]->networks[0]->ipv4.prefix, 24);
    assert_int_equal(configs[0]->networks[0]->address, NETWORK_ADDRESS_CMDLINE);
    vm_config_free(configs[0]);
    vm_config_free(configs[1]);
    zones_done(&described_zones);
}

static void test_empty_pool(_unused_ void **state)
{
    struct vm_config *configs[2];

    add_zone("small", ZONE "reserved=10.42.0.2-10.42.0.2\n");
    configs[0] = describe_text(VM_A "[network a]\nzone=small\nipv4=auto\n");
    configs[1] = describe_text(VM_B "[network a]\nzone=small\nipv4=10.42.0.2/24\n");
    assert_int_equal(pools_fill(&described_zones, configs, 2), 0);
    assert_problems(configs[0],
                    "web.ini:6: zone 'small' has no address left: other VMs' files claim "
                    "all of 10.42.0.2-10.42.0.2; reserve more in /z.ini\n");
    assert_problems(configs[1], "");
    vm_config_free(configs[0]);
    vm_config_free(configs[1]);
    zones_done(&described_zones);
}

/* Two zones on one bridge could give the same address twice. */
static void test_pools_in_common(_unused_ void **state)
{
    struct vm_config *configs[2];

    add_zone("a", ZONE "reserved=10.42.0.2-10.42.0.9\n");
    add_zone("b", ZONE "reserved=10.42.0.9-10.42.0.20\n");
    add_zone("c", ZONE "reserved=10.42.0.21-10.42.0.30\n");
    configs[0] = describe_text(VM_A "[network a]\nzone=a\nipv4=auto\n"
                                    "[network b]\nzone=b\nipv4=10.42.0.10/24\n"
                                    "[network c]\nzone=c\nipv4=auto\n");
    configs[1] = describe_text(VM_B "[network a]\nzone=b\nipv4=auto\n");
    assert_int_equal(pools_fill(&described_zones, configs, 2), 0);
    assert_problems(configs[0], "");
    assert_problems(configs[1], "web.ini:6: zones 'a' and 'b' have bridge br0 and reserved "
                                "addresses in common; part them in /z.ini\n");
    vm_config_free(configs[0]);
    vm_config_free(configs[1]);
    zones_done(&described_zones);
}

/* However many holes there are, a command line stays one. */
static void test_pool_has_an_end(_unused_ void **state)
{
    struct vm_config *configs[200];
    size_t length;

    add_zone("wide", "[zone]\nbridge=b\nsubnet=10.0.0.0/8\n");
    configs[0] = describe_text(VM_A "[network a]\nzone=wide\nipv4=auto\n");
    for (unsigned i = 1; i < ELEMENTSOF(configs); i++) {
        char text[600] = VM_B, *p = text + strlen(text);

        for (unsigned j = 0; j < NETWORKS_MAX; j++)
            p += sprintf(p, "[network n%u]\nbridge=b\nipv4=10.%u.%u.%u/8\n", j, i, j, 2 * j + 2);
        configs[i] = describe_text(text);
    }
    assert_int_equal(pools_fill(&described_zones, configs, ELEMENTSOF(configs)), 0);
    length = strlen(described_zones.items[0]->pool);
    assert_true(length > 4096 && length < 8192);
    assert_non_null(strstr(described_zones.items[0]->pool, "10.0.0.1-10.1.0.1+10.1.0.3-"));
    for (unsigned i = 0; i < ELEMENTSOF(configs); i++)
        vm_config_free(configs[i]);
    zones_done(&described_zones);
}

/* A zone is read once, and what was read stays what it is for the run. */
static void test_places(_unused_ void **state)
{
    static const char *const dirs[] = {
        "etc",     "etc/volt",     "etc/volt/zones",    "run", "run/volt", "run/volt/zones", "usr",
        "usr/lib", "usr/lib/volt", "usr/lib/volt/zones"};
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    struct zones zones = {.root = dir.path};
    struct zone *zone, *again;
    char path[PATH_MAX];

    for (size_t i = 0; i < ELEMENTSOF(dirs); i++)
        assert_int_equal(mkdir(temporary_path(&dir, dirs[i], path), 0755), 0);
    temporary_write(&dir, "usr/lib/volt/zones/a.ini", ZONE);
    temporary_write(&dir, "run/volt/zones/b.ini", ZONE);
    temporary_write(&dir, "usr/lib/volt/zones/b.ini", "x\n");
    temporary_write(&dir, "etc/volt/zones/c.ini", ZONE);
    temporary_write(&dir, "run/volt/zones/c.ini", "x\n");
    temporary_write(&dir, "usr/lib/volt/zones/d.ini", ZONE);
    assert_int_equal(symlink("/dev/null", temporary_path(&dir, "etc/volt/zones/d.ini", path)), 0);
    assert_int_equal(symlink("nothing", temporary_path(&dir, "etc/volt/zones/e.ini", path)), 0);
    assert_int_equal(mkdir(temporary_path(&dir, "etc/volt/zones/f.ini", path), 0755), 0);
    for (const char *name = "a\0b\0c\0"; *name; name += 2) {
        assert_int_equal(zones_get(&zones, name, &zone), 0);
        assert_int_equal(zone->problems.count, 0);
        assert_int_equal(zones_get(&zones, name, &again), 0);
        assert_ptr_equal(zone, again);
    }
    assert_string_equal(zones.items[0]->source->path, "/usr/lib/volt/zones/a.ini");
    assert_string_equal(zones.items[2]->source->path, "/etc/volt/zones/c.ini");
    for (const char *name = "d\0e\0f\0g\0"; *name; name += 2) {
        static const char *const problems[] = {
            "/etc/volt/zones/d.ini: the zone is masked here (an empty file, or a link to "
            "/dev/null)\n",
            "/etc/volt/zones/e.ini: the file does not exist, or is a link to nothing\n",
            "/etc/volt/zones/f.ini: the file is a directory; it must be a regular file\n",
            "/etc/volt/zones/g.ini: there is no such file, nor one in another place for zones; see "
            "volt.zone(5)\n",
        };
        _cleanup_free_ char *text = NULL;

        assert_int_equal(zones_get(&zones, name, &zone), 0);
        text = problems_text(&zone->problems);
        assert_string_equal(text, problems[*name - 'd']);
    }
    zones_done(&zones);
}

static void test_large_file(_unused_ void **state)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    struct zones zones = {.root = dir.path};
    _cleanup_free_ char *text = NULL, *large = calloc(1, 70000);
    struct zone *zone;
    char path[PATH_MAX];

    assert_non_null(large);
    memset(large, '#', 69999);
    assert_int_equal(mkdir(temporary_path(&dir, "run", path), 0755), 0);
    assert_int_equal(mkdir(temporary_path(&dir, "run/volt", path), 0755), 0);
    assert_int_equal(mkdir(temporary_path(&dir, "run/volt/zones", path), 0755), 0);
    temporary_write(&dir, "run/volt/zones/a.ini", large);
    assert_int_equal(zones_get(&zones, "a", &zone), 0);
    text = problems_text(&zone->problems);
    assert_string_equal(text,
                        "/run/volt/zones/a.ini: the file is over 64 KiB; nothing of it is read\n");
    zones_done(&zones);
}

/* Neither the file nor the message about it has lines without an end. */
static void test_long_lines(_unused_ void **state)
{
    static char text[60000];
    _cleanup_zone_ struct zone *zone = NULL;

    memset(text, 'x', sizeof(text) - 1);
    memcpy(text, ZONE, strlen(ZONE));
    expect(text, "/z.ini:4: the line has 59961 bytes; at most 4096 are read\n");
    memcpy(text, "[zone]\ngateway=", 15);
    text[4000] = '\n';
    text[4001] = '\0';
    zone = zone_of(text);
    assert_true(zone->problems.count > 0);
    for (size_t i = 0; i < zone->problems.count; i++)
        assert_true(strlen(zone->problems.items[i].text) < 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_empty_pool),
        cmocka_unit_test(test_pools_in_common),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_pool_has_an_end),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_large_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
