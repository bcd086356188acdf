// SPDX-License-Identifier: LGPL-2.1-or-later
/* TAPs and bridges of the kernel, in a network namespace of the test's own. */
#include "generator/link-sysctl.h"
#include "generator/net-up.h"
#include "generator/tap.h"

#include <arpa/inet.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0x00, 0x00, 0x01};

static int enter_namespace(void **state)
{
    struct rtnl *rtnl;

    if (unshare(CLONE_NEWNET) < 0 || access("/dev/net/tun", R_OK | W_OK) < 0)
        return 0; /* without privilege, or without TUN: skipped */
    if (rtnl_new(&rtnl) < 0)
        return -1;
    *state = rtnl;
    return 0;
}

static int leave_namespace(void **state)
{
    *state = rtnl_free(*state);
    return 0;
}

static struct rtnl *need_rtnl(void **state)
{
    if (!*state)
        skip();
    return *state;
}

static void close_all(int *fds, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        fds[i] = close_fd(fds[i]);
}

static void test_bridge(void **state)
{
    struct rtnl *rtnl = need_rtnl(state);
    struct in_addr address = {htonl(0x0a2a0001)};
    struct rtnl_link link;

    assert_int_equal(rtnl_link_get(rtnl, "br0", &link), -ENODEV);
    assert_int_equal(rtnl_bridge_new(rtnl, "br0", mac), 0);
    assert_int_equal(rtnl_bridge_new(rtnl, "br0", mac), -EEXIST);
    assert_int_equal(rtnl_link_get(rtnl, "br0", &link), 0);
    assert_string_equal(link.kind, "bridge");
    assert_memory_equal(link.address, mac, sizeof(mac));
    assert_int_equal(rtnl_address_add(rtnl, link.ifindex, address, 24), 0);
    assert_int_equal(rtnl_address_add(rtnl, link.ifindex, address, 24), 0);
    assert_int_equal(rtnl_link_set_up(rtnl, link.ifindex, 0, 0), 0);
    assert_int_equal(rtnl_link_get(rtnl, "br0", &link), 0);
    assert_true(link.flags & IFF_UP);
    assert_int_equal(rtnl_link_delete(rtnl, link.ifindex), 0);
    assert_int_equal(rtnl_link_delete(rtnl, link.ifindex), -ENODEV);
}

static void test_tap_goes_with_its_last_fd(void **state)
{
    struct rtnl *rtnl = need_rtnl(state);
    struct rtnl_link link;
    const char *what;
    int fds[4], more[1];

    assert_int_equal(tap_open("t0", 4, TAP_CREATE, 0, fds, &what), 0);
    assert_int_equal(rtnl_link_get(rtnl, "t0", &link), 0);
    assert_string_equal(link.kind, "tun");
    assert_true(link.tun.is_tap);
    assert_true(link.carrier);
    assert_false(link.tun.persist);
    assert_false(link.tun.owned);
    assert_int_equal(tap_open("t0", 1, TAP_CREATE, 0, more, &what), -EBUSY);
    assert_int_equal(tap_open("t0", 1, TAP_ATTACH, 0, more, &what), -EINVAL);
    close_all(fds, 4);
    assert_int_equal(rtnl_link_get(rtnl, "t0", &link), -ENODEV);
}

static void test_persistent_tap(void **state)
{
    struct rtnl *rtnl = need_rtnl(state);
    struct rtnl_link link;
    const char *what;
    int fd, other;

    assert_int_equal(tap_open("t1", 1, TAP_CREATE, 0, &fd, &what), 0);
    assert_int_equal(tap_set_persist(fd, true), 0);
    assert_int_equal(tap_open("t1", 1, TAP_ATTACH, 60, &other, &what), -EBUSY);
    assert_string_equal(what, "TUNSETIFF");
    fd = close_fd(fd);
    assert_int_equal(rtnl_link_get(rtnl, "t1", &link), 0);
    assert_true(link.tun.persist);
    assert_false(link.carrier);
    assert_int_equal(tap_open("t1", 1, TAP_ATTACH, 0, &fd, &what), 0);
    assert_int_equal(tap_set_persist(fd, false), 0);
    fd = close_fd(fd);
    assert_int_equal(rtnl_link_get(rtnl, "t1", &link), -ENODEV);
}

static void test_port(void **state)
{
    struct rtnl *rtnl = need_rtnl(state);
    struct rtnl_link bridge, link;
    const char *what;
    int fd;

    assert_int_equal(rtnl_bridge_new(rtnl, "br1", mac), 0);
    assert_int_equal(rtnl_link_get(rtnl, "br1", &bridge), 0);
    assert_int_equal(tap_open("t2", 1, TAP_CREATE, 0, &fd, &what), 0);
    assert_int_equal(rtnl_link_get(rtnl, "t2", &link), 0);
    (void)rtnl_link_no_ipv6ll(rtnl, link.ifindex);
    assert_int_equal(rtnl_link_set_up(rtnl, link.ifindex, bridge.ifindex, 9000), 0);
    rtnl_wait(rtnl, 1000);
    assert_int_equal(rtnl_link_get(rtnl, "t2", &link), 0);
    assert_int_equal(link.master, bridge.ifindex);
    assert_int_equal(link.mtu, 9000);
    assert_true(link.flags & IFF_UP);
    (void)close(fd);
    assert_int_equal(rtnl_link_delete(rtnl, bridge.ifindex), 0);
}

static int read_accept_ra(const char *name)
{
    char path[128];
    FILE *f;
    int value = -1;

    (void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra", name);
    f = fopen(path, "re");
    if (!f)
        return -1;
    if (fscanf(f, "%d", &value) != 1)
        value = -1;
    (void)fclose(f);
    return value;
}

/* A guest must not be able to give this host a default route. */
static void test_no_router_advertisements(void **state)
{
    const struct nic nics[] = {
        {.id = "a", .tap = "t3", .bridge = "br0", .queues = 1},
        {.id = "b", .tap = "t4", .queues = 1},
    };
    struct net_up up = {.rtnl = need_rtnl(state), .n = ELEMENTSOF(nics)};
    struct rtnl_link link;
    const char *what;
    int fds[2];

    for (size_t i = 0; i < up.n; i++)
        up.up[i] = (struct nic_up){.nic = &nics[i], .direct = true};
    assert_int_equal(net_bridges_make(&up), 0);
    for (size_t i = 0; i < up.n; i++) {
        assert_int_equal(tap_open(nics[i].tap, 1, TAP_CREATE, 0, &fds[i], &what), 0);
        assert_int_equal(net_settle_directly(&up, &nics[i], true), 0);
    }
    if (read_accept_ra("lo") >= 0) {
        assert_int_equal(read_accept_ra("br0"), 0);
        assert_int_equal(read_accept_ra("t3"), 0);
        assert_int_equal(read_accept_ra("t4"), 0);
    }
    assert_int_equal(link_refuse_router_advertisements("nonexistent"), 0);
    close_all(fds, 2);
    assert_int_equal(rtnl_link_get(up.rtnl, "br0", &link), 0);
    assert_int_equal(rtnl_link_delete(up.rtnl, link.ifindex), 0);
}

/* `up` was killed between making br0 and setting it up. */
static void test_half_made_bridge(void **state)
{
    static const uint8_t other_mac[6] = {0x52, 0x54, 0x00, 0x00, 0x00, 0x02};
    const struct nic nic = {.id = "a", .tap = "t5", .bridge = "br0", .queues = 1};
    struct net_up up = {.rtnl = need_rtnl(state), .n = 1, .up = {{.nic = &nic}}};
    struct rtnl_link link;

    assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), 0);
    assert_int_equal(rtnl_bridge_new(up.rtnl, "br0", mac), 0);
    assert_int_equal(net_bridges_make(&up), 0);
    assert_int_equal(rtnl_link_get(up.rtnl, "br0", &link), 0);
    assert_true(link.flags & IFF_UP);
    assert_int_equal(rtnl_address_any(up.rtnl, link.ifindex), 1);
    assert_int_equal(rtnl_link_delete(up.rtnl, link.ifindex), 0);

    /* Somebody else's is not touched. */
    assert_int_equal(rtnl_bridge_new(up.rtnl, "br0", other_mac), 0);
    assert_int_equal(net_bridges_make(&up), 0);
    assert_int_equal(rtnl_link_get(up.rtnl, "br0", &link), 0);
    assert_false(link.flags & IFF_UP);
    assert_int_equal(rtnl_address_any(up.rtnl, link.ifindex), 0);
    assert_int_equal(rtnl_link_delete(up.rtnl, link.ifindex), 0);
}

/* `ip tuntap add` makes the like of what an earlier run leaves; only a name of ours tells. */
static void test_claim(void **state)
{
    const struct nic ours = {.id = "a", .tap = "tap-5a5a5a5a", .queues = 1};
    const struct nic theirs = {.id = "a", .tap = "vpn0", .queues = 1};
    struct net_up up = {.uuid = "5a5a5a5a-0000-4000-8000-0000000000ff",
                        .rtnl = need_rtnl(state),
                        .n = 1,
                        .up = {{.nic = &ours}}};
    struct rtnl_link link;
    const char *what;
    int fd;

    assert_int_equal(tap_open(ours.tap, 1, TAP_CREATE, 0, &fd, &what), 0);
    assert_int_equal(tap_set_persist(fd, true), 0);
    fd = close_fd(fd);
    assert_int_equal(net_claim(&up), 0);
    assert_int_equal(rtnl_link_get(up.rtnl, ours.tap, &link), -ENODEV);

    up.up[0].nic = &theirs;
    assert_int_equal(net_claim(&up), 0);
    assert_int_equal(tap_open(theirs.tap, 1, TAP_CREATE, 0, &fd, &what), 0);
    assert_int_equal(tap_set_persist(fd, true), 0);
    fd = close_fd(fd);
    assert_int_equal(net_claim(&up), -EEXIST);
    assert_int_equal(rtnl_link_get(up.rtnl, theirs.tap, &link), 0);
    assert_int_equal(rtnl_link_delete(up.rtnl, link.ifindex), 0);
}

static int64_t waited_ms(struct rtnl *rtnl, int timeout_ms)
{
    int64_t start = net_now_ms();

    rtnl_wait(rtnl, timeout_ms);
    return net_now_ms() - start;
}

static void delete_link(struct rtnl *rtnl, const char *name)
{
    struct rtnl_link link;

    assert_int_equal(rtnl_link_get(rtnl, name, &link), 0);
    assert_int_equal(rtnl_link_delete(rtnl, link.ifindex), 0);
}

/* Only what is waited for ends the wait: names of all lengths, and some that begin alike. */
static void test_watch(void **state)
{
    static const char *const watched[] = {"w", "tap-6ba7b810", "fifteen-letters", "four"};
    static const char *const others[] = {"v",   "tap-6ba7b81", "tap-6ba7b810-1", "fifteen-lettert",
                                         "fou", "fourx"};
    char many[33][IFNAMSIZ];
    const char *names[33];
    struct rtnl *rtnl;

    (void)need_rtnl(state);
    assert_int_equal(rtnl_new(&rtnl), 0);
    assert_int_equal(rtnl_watch(rtnl, watched, ELEMENTSOF(watched)), 0);
    for (size_t i = 0; i < ELEMENTSOF(others); i++) {
        assert_int_equal(rtnl_bridge_new(rtnl, others[i], mac), 0);
        assert_true(waited_ms(rtnl, 30) >= 30);
        delete_link(rtnl, others[i]);
        assert_true(waited_ms(rtnl, 30) >= 30);
    }
    for (size_t i = 0; i < ELEMENTSOF(watched); i++) {
        assert_int_equal(rtnl_bridge_new(rtnl, watched[i], mac), 0);
        assert_true(waited_ms(rtnl, 60000) < 60000);
        delete_link(rtnl, watched[i]);
        assert_true(waited_ms(rtnl, 60000) < 60000);
    }

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        (void)snprintf(many[i], sizeof(many[i]), "fifteen-let-%03zu", i);
        names[i] = many[i];
    }
    assert_int_equal(rtnl_watch(rtnl, names, 33), -E2BIG);
    assert_int_equal(rtnl_watch(rtnl, names, 32), 0);
    assert_int_equal(rtnl_bridge_new(rtnl, names[31], mac), 0);
    assert_true(waited_ms(rtnl, 60000) < 60000);
    delete_link(rtnl, names[31]);
    names[0] = "sixteen-letters-";
    assert_int_equal(rtnl_watch(rtnl, names, 1), -EINVAL);
    (void)rtnl_free(rtnl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bridge),
        cmocka_unit_test(test_tap_goes_with_its_last_fd),
        cmocka_unit_test(test_persistent_tap),
        cmocka_unit_test(test_port),
        cmocka_unit_test(test_no_router_advertisements),
        cmocka_unit_test(test_half_made_bridge),
        cmocka_unit_test(test_claim),
        cmocka_unit_test(test_watch),
    };

    return cmocka_run_group_tests(tests, enter_namespace, leave_namespace);
}
