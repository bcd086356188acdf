// SPDX-License-Identifier: LGPL-2.1-or-later
/* Making a VM's interfaces: `volt-net up`. */
#include "generator/net-up.h"

#include "generator/clock.h"
#include "generator/fdstore.h"
#include "generator/helper-log.h"
#include "generator/host-dns.h"
#include "generator/link-sysctl.h"
#include "generator/net-down.h"
#include "generator/net-environment.h"
#include "generator/net-others.h"
#include "generator/net-state.h"
#include "generator/tap.h"

#include <string.h>
#include <syslog.h>

#define ATTACH_MS 3000  /* for networkd to let go of a queue */
#define SETTLE_MS 5000  /* for networkd to set a link up, in all */
#define LOCK_MS   30000 /* for other VMs that start: dozens, on a slow disk */
#define POLL_MS   50

#define HOST_DNS_MAX 3 /* as resolv.conf(5) */

int64_t net_now_ms(void)
{
    return (int64_t)(clock_now_usec() / 1000);
}

static const char *open_hint(int r, const char *what)
{
    if (!strcmp(what, "/dev/net/tun"))
        return r == -ENOENT || r == -ENODEV  ? ": `modprobe tun` brings it"
               : r == -EPERM || r == -EACCES ? ": the unit needs DeviceAllow=/dev/net/tun rw"
                                             : "";
    return r == -EBUSY    ? ": another process holds it"
           : r == -EINVAL ? ": it was made with other flags (MultiQueue=, VNetHeader=)"
                          : "";
}

/* Opens the queues, and decides over the life of the link. */
static int attach(struct net_up *up, struct nic_up *nic)
{
    enum tap_how how = nic->direct ? TAP_CREATE : TAP_ATTACH;
    const char *what = "";
    int r;

    r = tap_open(nic->nic->tap, nic->nic->queues, how, ATTACH_MS, nic->fds, &what);
    if (r < 0)
        return helper_fail(r, "%s: cannot %s the TAP %s (%s): %s%s", nic->nic->id,
                           nic->direct ? "make" : "open", nic->nic->tap, what, strerror(-r),
                           open_hint(r, what));
    /* Without persistence the kernel removes the link with the last fd, whatever else is skipped.
     */
    r = tap_set_persist(nic->fds[0], !up->store);
    if (r < 0)
        return helper_fail(r, "%s: cannot change the persistence of the TAP %s: %s", nic->nic->id,
                           nic->nic->tap, strerror(-r));
    return 0;
}

static int store(struct net_up *up, const struct nic_up *nic)
{
    char name[NIC_FDNAME_SIZE];
    int r = 0;

    for (unsigned queue = 0; up->store && queue < nic->nic->queues && r >= 0; queue++) {
        nic_fdname(nic->nic, queue, name);
        r = fdstore_push(name, nic->fds[queue]);
    }
    return r < 0 ? helper_fail(r, "%s: cannot store its queues: %s", nic->nic->id, strerror(-r))
                 : 0;
}

/* Whether the link is up, under its bridge, with its MTU. */
static bool is_settled(struct net_up *up, const struct nic *nic)
{
    struct rtnl_link link, bridge = {0};

    if (rtnl_link_get(up->rtnl, nic->tap, &link) < 0 ||
        (nic->bridge[0] && rtnl_link_get(up->rtnl, nic->bridge, &bridge) < 0))
        return false;
    return (link.flags & IFF_UP) && (!nic->bridge[0] || link.master == bridge.ifindex) &&
           (nic->mtu == 0 || link.mtu == nic->mtu);
}

int net_settle_directly(struct net_up *up, const struct nic *nic, bool is_ours)
{
    struct rtnl_link link, bridge = {0};
    int r;

    r = rtnl_link_get(up->rtnl, nic->tap, &link);
    if (r < 0)
        return helper_fail(r, "%s: the TAP %s went away", nic->id, nic->tap);
    r = nic->bridge[0] ? rtnl_link_get(up->rtnl, nic->bridge, &bridge) : 0;
    if (r < 0)
        return helper_fail(r, "%s: the bridge %s went away", nic->id, nic->bridge);
    if (is_ours) {
        r = rtnl_link_no_ipv6ll(up->rtnl, link.ifindex);
        if (r < 0 && r != -EAFNOSUPPORT)
            helper_log(LOG_INFO, "%s: %s keeps its IPv6 link-local address: %s", nic->id, nic->tap,
                       strerror(-r));
    }
    r = link_refuse_router_advertisements(nic->tap);
    if (r < 0)
        return helper_fail(r, "%s: cannot keep router advertisements on %s from this host: %s",
                           nic->id, nic->tap, strerror(-r));
    r = rtnl_link_set_up(up->rtnl, link.ifindex, bridge.ifindex, nic->mtu);
    if (r < 0)
        return helper_fail(r, "%s: cannot set %s up%s%s: %s", nic->id, nic->tap,
                           nic->bridge[0] ? " on the bridge " : "", nic->bridge, strerror(-r));
    return 0;
}

/* networkd works asynchronously; what it has not done in time is done in its place. */
static int settle(struct net_up *up, const struct nic_up *nic, int64_t deadline)
{
    bool is_networkds =
        !nic->direct && (!nic->nic->bridge[0] || nic->port == NETWORK_PORT_NETWORKD);

    while (is_networkds && !is_settled(up, nic->nic)) {
        if (net_now_ms() >= deadline) {
            helper_log(LOG_WARNING,
                       "%s: systemd-networkd did not configure %s in time; doing it directly",
                       nic->nic->id, nic->nic->tap);
            is_networkds = false;
            break;
        }
        rtnl_wait(up->rtnl, POLL_MS);
    }
    return is_networkds ? 0 : net_settle_directly(up, nic->nic, nic->direct);
}

static void check_bridge(struct net_up *up, const struct nic *nic)
{
    unsigned mtu = nic->mtu ? nic->mtu : 1500;
    struct rtnl_link bridge;

    if (!nic->bridge[0] || rtnl_link_get(up->rtnl, nic->bridge, &bridge) < 0)
        return;
    if (bridge.mtu < mtu)
        helper_log(LOG_WARNING,
                   "%s: the MTU of the bridge %s is %u, below this interface's %u: larger packets "
                   "are lost; every port of a bridge needs the same MTU",
                   nic->id, nic->bridge, bridge.mtu, mtu);
    if (nic->has_mac && !memcmp(bridge.address, nic->mac, sizeof(nic->mac)))
        helper_log(LOG_WARNING, "%s: the guest's MAC address is that of the bridge %s", nic->id,
                   nic->bridge);
    if (!(bridge.flags & IFF_UP))
        helper_log(LOG_WARNING, "%s: the bridge %s is down: `ip link set %s up`", nic->id,
                   nic->bridge, nic->bridge);
}

/* By hand the last line is what volt-vmm wants to be told. */
static void report(const struct net_up *up, const struct nic_up *nic)
{
    const struct nic *n = nic->nic;
    char mac[MAC_TEXT_SIZE];

    helper_log(LOG_INFO, "%s: TAP %s is up%s%s, %u queue%s, made by %s", n->id, n->tap,
               n->bridge[0] ? " on " : "", n->bridge, n->queues, n->queues > 1 ? "s" : "",
               nic->direct ? "volt-net" : "systemd-networkd");
    if (up->store)
        return;
    printf("--net=%s,tap=%s,queues=%u", n->id, n->tap, n->queues);
    if (n->has_mac)
        printf(",mac=%s", mac_text(n->mac, mac));
    if (n->mtu > 0)
        printf(",mtu=%u", n->mtu);
    putchar('\n');
}

static int make(struct net_up *up)
{
    int64_t deadline;
    int r;

    r = net_networkd_make(up);
    if (r >= 0)
        r = net_bridges_make(up);
    for (size_t i = 0; i < up->n && r >= 0; i++) {
        r = attach(up, &up->up[i]);
        if (r >= 0)
            r = store(up, &up->up[i]);
    }
    deadline = net_now_ms() + SETTLE_MS;
    for (size_t i = 0; i < up->n && r >= 0; i++)
        r = settle(up, &up->up[i], deadline);
    net_networkd_forget(up);
    if (r >= 0)
        r = net_filter_apply(up);
    if (r < 0)
        return r;
    r = fdstore_barrier();
    if (r < 0)
        return helper_fail(r, "systemd does not take the queues: %s", strerror(-r));
    for (size_t i = 0; i < up->n; i++) {
        check_bridge(up, up->up[i].nic);
        report(up, &up->up[i]);
    }
    return 0;
}

static int tell_vmm(struct net_up *up)
{
    int r = net_environment_save(NET_STATE_DIR, up->uuid, up->nics, up->n);

    return r < 0 ? helper_fail(r, "cannot write %s/%s/environment: %s", NET_STATE_DIR, up->uuid,
                               strerror(-r))
                 : 0;
}

static void net_up_done(struct net_up *up)
{
    for (size_t i = 0; i < up->n; i++)
        for (size_t queue = 0; queue < NIC_QUEUES_MAX; queue++)
            (void)close_fd(up->up[i].fds[queue]);
    (void)close_fd(up->files);
    (void)close_fd(up->announced);
    (void)rtnl_free(up->rtnl);
}

/* What has to be compared with other VMs: under a lock until it is written down for them. */
static int claim_addresses(struct net_up *up)
{
    _cleanup_close_ int lock = net_others_lock(NET_STATE_DIR, LOCK_MS);
    int r;

    if (lock < 0)
        return helper_fail(lock, "cannot lock %s: %s", NET_STATE_DIR, strerror(-lock));
    up->announced = net_others_announce(NET_STATE_DIR, up->uuid);
    if (up->announced < 0)
        return helper_fail(up->announced, "cannot open %s/%s: %s", NET_STATE_DIR, up->uuid,
                           strerror(-up->announced));
    r = net_addresses_claim(up);
    if (r >= 0)
        r = net_macs_settle(up);
    if (r < 0)
        return r;
    r = net_state_save(NET_STATE_DIR, up->uuid, up->nics, up->n);
    if (r < 0)
        return helper_fail(r, "cannot write %s/%s/taps: %s", NET_STATE_DIR, up->uuid, strerror(-r));
    return tell_vmm(up);
}

/* A zone that names no DNS servers has the host's: its guests go out by way of the host. */
static void find_dns(struct nic *nic)
{
    bool is_known = nic->dns_count > 0 || !nic->zone[0] || nic->address == NIC_ADDRESS_NONE ||
                    (nic->address == NIC_ADDRESS_DHCP && host_dns_is_networkds(HOST_DNS_NETWORKD));

    if (!is_known)
        nic->dns_count = host_dns_find(host_dns_files, nic->dns, HOST_DNS_MAX);
}

static void prepare(struct net_up *up)
{
    for (size_t i = 0; i < up->n; i++) {
        struct nic *nic = &up->nics[i];

        find_dns(nic);
        up->up[i] = (struct nic_up){.nic = nic, .direct = nic->mode == NIC_MODE_DIRECT};
        for (size_t queue = 0; queue < NIC_QUEUES_MAX; queue++)
            up->up[i].fds[queue] = -EBADF;
    }
}

/* Other VMs' links are none of its business; what becomes of bridges is looked at now and then. */
static void watch(struct net_up *up)
{
    const char *names[NIC_MAX];

    for (size_t i = 0; i < up->n; i++)
        names[i] = up->nics[i].tap;
    (void)rtnl_watch(up->rtnl, names, up->n); /* else all wake it */
}

int net_up(const char *uuid, struct nic *nics, size_t n)
{
    _cleanup_(net_up_done) struct net_up up = {
        .uuid = uuid,
        .nics = nics,
        .n = n,
        .files = -EBADF,
        .announced = -EBADF,
        .store = fdstore_available(),
    };
    int r;

    prepare(&up);
    r = rtnl_new(&up.rtnl);
    if (r < 0)
        return helper_fail(r, "cannot open rtnetlink: %s", strerror(-r));
    watch(&up);
    r = net_claim(&up);
    if (r >= 0)
        r = net_bridges_find(&up);
    if (r < 0)
        return r;
    r = claim_addresses(&up);
    if (r >= 0)
        r = make(&up);
    if (r < 0)
        (void)net_remove(up.rtnl, uuid, nics, n);
    return r;
}
