// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a filtered TAP lets through: frames from a "guest" on one port of a bridge to another one,
 * in a network namespace of the test's own. Also conflicts of MAC addresses there. */
#include "generator/filter-text.h"
#include "generator/net-up.h"
#include "generator/nftables.h"
#include "generator/tap.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define UUID        "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define HEADER_SIZE 12 /* struct virtio_net_hdr_v1 */

struct bench {
    struct rtnl *rtnl;
    int guest, other; /* TAPs */
};

static const uint8_t bridge_mac[6] = {0x52, 0x54, 0, 0, 0, 1};
static const uint8_t unseen_mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x58};
static const uint8_t other_mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x57};

static void add_port(struct bench *bench, const char *name, int *ret_fd)
{
    struct rtnl_link bridge, link;
    const char *what;

    assert_int_equal(tap_open(name, 1, TAP_CREATE, 0, ret_fd, &what), 0);
    assert_int_equal(rtnl_link_get(bench->rtnl, "br0", &bridge), 0);
    assert_int_equal(rtnl_link_get(bench->rtnl, name, &link), 0);
    (void)rtnl_link_no_ipv6ll(bench->rtnl, link.ifindex);
    assert_int_equal(rtnl_link_set_up(bench->rtnl, link.ifindex, bridge.ifindex, 0), 0);
}

static int set_up(void **state)
{
    static struct bench bench;
    struct rtnl_link link;

    if (unshare(CLONE_NEWNET) < 0 || access("/dev/net/tun", R_OK | W_OK) < 0)
        return 0; /* without privilege, or without TUN: skipped */
    if (rtnl_new(&bench.rtnl) < 0 || rtnl_bridge_new(bench.rtnl, "br0", bridge_mac) < 0 ||
        rtnl_link_get(bench.rtnl, "br0", &link) < 0)
        return -1;
    (void)rtnl_link_no_ipv6ll(bench.rtnl, link.ifindex);
    if (rtnl_link_set_up(bench.rtnl, link.ifindex, 0, 0) < 0)
        return -1;
    add_port(&bench, "t0", &bench.guest);
    add_port(&bench, "t1", &bench.other);
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    if (bench) {
        (void)close(bench->guest);
        (void)close(bench->other);
        (void)rtnl_free(bench->rtnl);
    }
    return 0;
}

static struct bench *need_bench(void **state)
{
    if (!*state)
        skip();
    return *state;
}

/* A bridge that calls iptables drops IPv4 headers with a wrong one. */
static void add_checksum(uint8_t *header)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < 20; i += 2)
        sum += (uint32_t)(header[i] << 8 | header[i + 1]);
    sum = ~((sum & 0xffff) + (sum >> 16));
    header[10] = (uint8_t)(sum >> 8);
    header[11] = (uint8_t)sum;
}

/* Text in hexadecimal, blanks ignored, to a frame of at least 60 bytes. */
static size_t make_frame(const char *hex, uint8_t *frame, size_t size)
{
    size_t n = 0;
    unsigned byte;

    memset(frame, 0, size);
    for (; *hex; hex++)
        if (*hex != ' ') {
            assert_true(n < size && sscanf(hex, "%2x", &byte) == 1);
            frame[n++] = (uint8_t)byte;
            hex++;
        }
    if (frame[12] == 0x08 && frame[13] == 0x00)
        add_checksum(frame + 14);
    return n < 60 ? 60 : n;
}

/* Whether what comes in at FROM goes out at TO. */
static bool passes(int from, int to, const char *hex)
{
    uint8_t frame[HEADER_SIZE + 1514] = {0}, got[HEADER_SIZE + 1514];
    size_t length = make_frame(hex, frame + HEADER_SIZE, sizeof(frame) - HEADER_SIZE);
    struct pollfd pollfd = {.fd = to, .events = POLLIN};

    assert_int_equal(write(from, frame, HEADER_SIZE + length), HEADER_SIZE + length);
    while (poll(&pollfd, 1, 100) > 0) {
        ssize_t n = read(to, got, sizeof(got));

        /* Where iptables looks at bridges, padding behind IPv4 is cut off. */
        if (n >= HEADER_SIZE + 42 &&
            !memcmp(got + HEADER_SIZE, frame + HEADER_SIZE, (size_t)n - HEADER_SIZE))
            return true;
    }
    return false;
}

static void apply(const char *arguments)
{
    _cleanup_free_ char *text = NULL, *why = NULL, *error = NULL;
    struct nic nic;
    size_t size;
    FILE *f;
    int r;

    assert_int_equal(nic_parse(arguments, &nic, &error), 0);
    f = open_memstream(&text, &size);
    filter_text_add(f, UUID, &nic, 1);
    (void)fclose(f);
    r = nftables_run(text, &why);
    if (r == -EOPNOTSUPP)
        skip();
    if (r < 0)
        fail_msg("%s", why ?: "nftables");
}

#define ALL    "ffffffffffff"
#define GUEST  "525400123456"
#define OTHER  "525400123457"
#define ME     "0a2a000a" /* 10.42.0.10 */
#define NOT_ME "0a2a000b"
#define HOST   "0a2a0001"
#define ARP(source, sender_mac, sender)                                                            \
    ALL source "0806 0001 0800 06 04 0001" sender_mac sender "000000000000" HOST
/* Version 4, 28 bytes, UDP, checksums not looked at by anybody. */
#define UDP4(source, address, from, to)                                                            \
    ALL source "0800 4500 001c 0000 0000 40 11 0000" address "ffffffff" from to "0008 0000"
/* Version 6, 24 bytes of ICMPv6 at most. */
#define ICMP6(source, address, type, target)                                                       \
    "333300000001" source "86dd 60000000 0018 3a ff" address                                       \
    "ff020000000000000000000000000001" type "00 0000 00000000" target
#define LINK_LOCAL  "fe80000000000000 505400fffe123456"
#define GLOBAL      "20010db800000000 505400fffe123456"
#define FOREIGN6    "fe80000000000000 505400fffe123457"
#define UNSPECIFIED "0000000000000000 0000000000000000"

static void test_antispoof(void **state)
{
    static const struct {
        const char *what, *frame;
        bool passes;
    } cases[] = {
        {"ARP", ARP(GUEST, GUEST, ME), true},
        {"ARP probe", ARP(GUEST, GUEST, "00000000"), true},
        {"ARP, another's frame", ARP(OTHER, GUEST, ME), false},
        {"ARP, another's MAC inside", ARP(GUEST, OTHER, ME), false},
        {"ARP, another's address", ARP(GUEST, GUEST, NOT_ME), false},
        {"ARP in a VLAN",
         ALL GUEST "8100 0005 0806 0001 0800 06 04 0001" GUEST ME "000000000000" HOST, false},
        {"UDP", UDP4(GUEST, ME, "1000", "1001"), true},
        {"UDP, another's MAC", UDP4(OTHER, ME, "1000", "1001"), false},
        {"UDP, another's address", UDP4(GUEST, NOT_ME, "1000", "1001"), false},
        {"DHCP discover", UDP4(GUEST, "00000000", "0044", "0043"), true},
        {"no address, not DHCP", UDP4(GUEST, "00000000", "1000", "1001"), false},
        {"DHCP server", UDP4(GUEST, ME, "0043", "0044"), false},
        {"neighbour solicitation", ICMP6(GUEST, LINK_LOCAL, "87", FOREIGN6), true},
        {"from a prefix", ICMP6(GUEST, GLOBAL, "87", FOREIGN6), true},
        {"duplicate address detection", ICMP6(GUEST, UNSPECIFIED, "87", LINK_LOCAL), true},
        {"another's IPv6 address", ICMP6(GUEST, FOREIGN6, "87", LINK_LOCAL), false},
        {"advertisement", ICMP6(GUEST, LINK_LOCAL, "88", LINK_LOCAL), true},
        {"advertisement for another", ICMP6(GUEST, LINK_LOCAL, "88", FOREIGN6), false},
        {"router advertisement", ICMP6(GUEST, LINK_LOCAL, "86", UNSPECIFIED), false},
        {"redirect", ICMP6(GUEST, LINK_LOCAL, "89", LINK_LOCAL), false},
        {"any other protocol", ALL GUEST "88b5 00", false},
    };
    struct bench *bench = need_bench(state);

    apply("eth0,tap=t0,bridge=br0,mac=52:54:00:12:34:56,ipv4=10.42.0.10/24,antispoof=yes");
    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        if (passes(bench->guest, bench->other, cases[i].frame) != cases[i].passes)
            fail_msg("%s: should%s pass", cases[i].what, cases[i].passes ? "" : " not");
    /* What comes to the guest is not looked at. */
    assert_true(passes(bench->other, bench->guest, ARP(OTHER, OTHER, NOT_ME)));
}

static void test_antispoof_without_address(void **state)
{
    struct bench *bench = need_bench(state);

    apply("eth0,tap=t0,bridge=br0,mac=52:54:00:12:34:56,antispoof=yes");
    assert_true(passes(bench->guest, bench->other, ARP(GUEST, GUEST, NOT_ME)));
    assert_false(passes(bench->guest, bench->other, ARP(GUEST, OTHER, NOT_ME)));
    assert_true(passes(bench->guest, bench->other, UDP4(GUEST, NOT_ME, "1000", "1001")));
    assert_false(passes(bench->guest, bench->other, UDP4(GUEST, NOT_ME, "0043", "0044")));
    assert_false(passes(bench->guest, bench->other, UDP4(OTHER, NOT_ME, "1000", "1001")));
}

static void test_rate(void **state)
{
    struct bench *bench = need_bench(state);
    uint8_t frame[HEADER_SIZE + 1514] = {0}, got[HEADER_SIZE + 1514];
    size_t passed = 0, sent = 4000;
    struct rtnl_link link;

    (void)make_frame(ALL GUEST "88b5 00", frame + HEADER_SIZE, 1514);
    apply("eth0,tap=t0,bridge=br0,rate=1");
    for (size_t i = 0; i < sent; i++) {
        assert_int_equal(write(bench->guest, frame, sizeof(frame)), sizeof(frame));
        while (read(bench->other, got, sizeof(got)) > 0)
            passed++;
    }
    /* The burst, and what trickles in meanwhile. */
    assert_true(passed * 1514 >= filter_burst(1) / 2);
    assert_true(passed * 1514 < (size_t)filter_burst(1) * 4);

    assert_int_equal(rtnl_link_get(bench->rtnl, "t0", &link), 0);
    assert_int_equal(rtnl_tbf_get(bench->rtnl, link.ifindex), 0);
    assert_int_equal(
        rtnl_tbf_set(bench->rtnl, link.ifindex, 125000, filter_burst(1), filter_backlog(1)), 0);
    assert_int_equal(rtnl_tbf_get(bench->rtnl, link.ifindex), 1);
    assert_int_equal(rtnl_tbf_set(bench->rtnl, link.ifindex, UINT64_C(12500000000),
                                  filter_burst(100000), filter_backlog(100000)),
                     0);
}

static void test_removal(void **state)
{
    _cleanup_free_ char *text = NULL, *why = NULL;
    struct bench *bench = need_bench(state);
    size_t size;
    FILE *f;

    apply("eth0,tap=t0,bridge=br0,mac=52:54:00:12:34:56,antispoof=yes");
    assert_false(passes(bench->guest, bench->other, ALL GUEST "88b5 01"));
    f = open_memstream(&text, &size);
    filter_text_delete(f, UUID);
    (void)fclose(f);
    assert_int_equal(nftables_run(text, &why), 0);
    assert_int_equal(nftables_run(text, &why), 0);
    assert_true(passes(bench->guest, bench->other, ALL GUEST "88b5 01"));
    assert_int_equal(nftables_run("nonsense", &why), -EINVAL);
    assert_non_null(why);
}

static void test_isolation(void **state)
{
    struct bench *bench = need_bench(state);
    const struct nic nics[] = {{.id = "a", .tap = "t0", .bridge = "br0"},
                               {.id = "b", .tap = "t1", .bridge = "br0"}};
    struct net_up up = {.rtnl = bench->rtnl};

    assert_int_equal(net_port_isolate(&up, &nics[0]), 0);
    assert_true(passes(bench->guest, bench->other, ALL GUEST "88b5 02"));
    assert_int_equal(net_port_isolate(&up, &nics[1]), 0);
    assert_false(passes(bench->guest, bench->other, ALL GUEST "88b5 02"));
}

static void test_forwarding_table(void **state)
{
    struct bench *bench = need_bench(state);
    struct rtnl_link bridge, link;
    char name[IFNAMSIZ];
    int port;

    assert_int_equal(rtnl_link_get(bench->rtnl, "br0", &bridge), 0);
    assert_int_equal(rtnl_fdb_find(bench->rtnl, bridge.ifindex, bridge_mac, 0, &port), 1);
    assert_int_equal(rtnl_link_get(bench->rtnl, "t1", &link), 0);
    assert_int_equal(rtnl_fdb_find(bench->rtnl, bridge.ifindex, link.address, 0, &port), 1);
    assert_int_equal(port, link.ifindex);
    (void)passes(bench->other, bench->guest, ALL OTHER "88b5 03");
    assert_int_equal(rtnl_fdb_find(bench->rtnl, bridge.ifindex, other_mac, 60, &port), 1);
    assert_int_equal(rtnl_link_name(bench->rtnl, port, name), 0);
    assert_string_equal(name, "t1");
    assert_int_equal(rtnl_fdb_find(bench->rtnl, link.ifindex, other_mac, 60, &port), 0);
    /* What was heard may have moved on; what is set stays. */
    (void)usleep(1300000);
    assert_int_equal(rtnl_fdb_find(bench->rtnl, bridge.ifindex, other_mac, 1, &port), 0);
    assert_int_equal(rtnl_fdb_find(bench->rtnl, bridge.ifindex, bridge_mac, 1, &port), 1);
    (void)passes(bench->other, bench->guest, ALL OTHER "88b5 03");
    assert_int_equal(rtnl_fdb_find(bench->rtnl, bridge.ifindex, other_mac, 1, &port), 1);
}

/* What an address is worth that nobody of ours has: the bridge's own, and that of a machine behind
 * it. */
static void test_known_addresses(void **state)
{
    struct bench *bench = need_bench(state);
    const struct in_addr own = {htonl(0x0a2a0001)}, others = {htonl(0x0a2a0005)},
                         nobodys = {htonl(0x0a2a0006)};
    struct rtnl_link bridge;

    assert_int_equal(rtnl_link_get(bench->rtnl, "br0", &bridge), 0);
    assert_int_equal(rtnl_address_add(bench->rtnl, bridge.ifindex, own, 24), 0);
    assert_int_equal(rtnl_address_known(bench->rtnl, bridge.ifindex, own), 1);
    assert_int_equal(rtnl_address_known(bench->rtnl, bridge.ifindex + 100, own), 0);
    assert_int_equal(rtnl_address_known(bench->rtnl, bridge.ifindex, others), 0);
    /* ARP: 10.42.0.5 asks for 10.42.0.1, and gets an answer. */
    (void)passes(bench->other, bench->guest,
                 ALL OTHER "0806 0001 0800 06 04 0001" OTHER "0a2a0005 000000000000 0a2a0001");
    assert_int_equal(rtnl_address_known(bench->rtnl, bridge.ifindex, others), 1);
    assert_int_equal(rtnl_address_known(bench->rtnl, bridge.ifindex, nobodys), 0);
}

/* A machine of somebody else has the address: a derived one gives way, always the same way. */
static void test_mac_conflict(void **state)
{
    struct bench *bench = need_bench(state);
    struct nic nic = {.id = "a", .bridge = "br0", .has_mac = true, .mac_is_derived = true};
    struct net_up up = {.uuid = UUID, .rtnl = bench->rtnl, .nics = &nic, .n = 1};
    uint8_t first[6];

    memcpy(nic.mac, unseen_mac, 6);
    assert_int_equal(net_macs_settle(&up), 0);
    (void)passes(bench->other, bench->guest, ALL OTHER "88b5 04");
    memcpy(nic.mac, other_mac, 6);
    assert_int_equal(net_macs_settle(&up), 0);
    assert_memory_not_equal(nic.mac, other_mac, 6);
    assert_int_equal(nic.mac[0] & 3, 2);
    memcpy(first, nic.mac, 6);
    memcpy(nic.mac, other_mac, 6);
    assert_int_equal(net_macs_settle(&up), 0);
    assert_memory_equal(nic.mac, first, 6);

    memcpy(nic.mac, other_mac, 6);
    nic.mac_is_derived = false;
    assert_int_equal(net_macs_settle(&up), -EADDRINUSE);
    memcpy(nic.mac, bridge_mac, 6);
    assert_int_equal(net_macs_settle(&up), -EADDRINUSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_antispoof),
        cmocka_unit_test(test_antispoof_without_address),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_removal),
        cmocka_unit_test(test_mac_conflict),
        cmocka_unit_test(test_forwarding_table),
        cmocka_unit_test(test_known_addresses),
        cmocka_unit_test(test_isolation),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
