// SPDX-License-Identifier: LGPL-2.1-or-later
/* The bridges that a VM's interfaces are ports of. */
#include "generator/helper-log.h"
#include "generator/link-sysctl.h"
#include "generator/net-up.h"
#include "generator/network-files.h"
#include "generator/networkd.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>
#include <syslog.h>

/* As 10-volt-vmm-br0.netdev and .network say. */
#define DEFAULT_BRIDGE  "br0"
#define DEFAULT_NETDEV  "10-volt-vmm-br0.netdev"
#define DEFAULT_ADDRESS "10.42.0.1"
#define DEFAULT_PREFIX  24
#define NETWORKD_MS     3000
static const uint8_t default_mac[6] = {0x52, 0x54, 0x00, 0x00, 0x00, 0x01};

int net_bridges_find(struct net_up *up)
{
    for (size_t i = 0; i < up->n; i++) {
        const struct nic *nic = up->up[i].nic;
        struct rtnl_link link;
        int r;

        if (!nic->bridge[0])
            continue;
        r = rtnl_link_get(up->rtnl, nic->bridge, &link);
        if (r < 0 && r != -ENODEV)
            return helper_fail(r, "%s: cannot look for the bridge %s: %s", nic->id, nic->bridge,
                               strerror(-r));
        if (r >= 0 && strcmp(link.kind, "bridge"))
            return helper_fail(-EINVAL, "%s: interface %s is not a bridge%s%s", nic->id,
                               nic->bridge, link.kind[0] ? " but of the kind " : "", link.kind);
        up->up[i].port = network_files_make_bridge(network_config_dirs, nic->bridge)
                             ? NETWORK_PORT_NETWORKD
                             : NETWORK_PORT_FOREIGN;
    }
    return 0;
}

static bool is_missing(struct net_up *up, const struct nic *nic)
{
    struct rtnl_link link;

    return nic->bridge[0] && rtnl_link_get(up->rtnl, nic->bridge, &link) == -ENODEV;
}

bool net_bridges_pending(struct net_up *up)
{
    for (size_t i = 0; i < up->n; i++)
        if (up->up[i].port == NETWORK_PORT_NETWORKD && is_missing(up, up->up[i].nic))
            return true;
    return false;
}

/* Whether somebody wants it otherwise, or not at all: then the values here are not what is wanted.
 */
static bool default_is_overridden(char *ret_path)
{
    return network_files_overridden(network_config_dirs, NETWORK_ADMIN_DIRS, DEFAULT_NETDEV,
                                    ret_path);
}

static int set_up_default(struct net_up *up)
{
    struct in_addr address;
    struct rtnl_link link;
    int r;

    r = rtnl_link_get(up->rtnl, DEFAULT_BRIDGE, &link);
    if (r < 0)
        return r;
    (void)inet_pton(AF_INET, DEFAULT_ADDRESS, &address);
    r = rtnl_address_any(up->rtnl, link.ifindex);
    if (r == 0)
        r = rtnl_address_add(up->rtnl, link.ifindex, address, DEFAULT_PREFIX);
    if (r >= 0)
        r = link_refuse_router_advertisements(DEFAULT_BRIDGE);
    return r < 0 ? r : rtnl_link_set_up(up->rtnl, link.ifindex, 0, 0);
}

static int make_default(struct net_up *up)
{
    struct rtnl_link link;
    int made = rtnl_bridge_new(up->rtnl, DEFAULT_BRIDGE, default_mac), r;

    /* Another VM that starts at the same time may have been faster. */
    if (made < 0 && made != -EEXIST)
        return made;
    r = set_up_default(up);
    /* Left half-made it would pass for a bridge that somebody wants to be down. */
    if (r < 0 && made >= 0 && rtnl_link_get(up->rtnl, DEFAULT_BRIDGE, &link) >= 0)
        (void)rtnl_link_delete(up->rtnl, link.ifindex);
    return r;
}

/* Whether NIC's bridge is the one that make_default() makes, as an `up` leaves it that was killed
 * on the way. With networkd on it may be networkd that is on the way. */
static bool is_half_made(struct net_up *up, const struct nic *nic)
{
    struct rtnl_link link;
    char path[PATH_MAX];

    return !strcmp(nic->bridge, DEFAULT_BRIDGE) && !default_is_overridden(path) &&
           rtnl_link_get(up->rtnl, DEFAULT_BRIDGE, &link) >= 0 && !strcmp(link.kind, "bridge") &&
           !memcmp(link.address, default_mac, sizeof(default_mac)) &&
           (!(link.flags & IFF_UP) || rtnl_address_any(up->rtnl, link.ifindex) == 0) &&
           networkd_is_off(NETWORKD_MS);
}

static int complete(struct net_up *up, const struct nic *nic)
{
    int r = set_up_default(up);

    if (r < 0)
        return helper_fail(r, "%s: cannot set up the bridge %s: %s", nic->id, nic->bridge,
                           strerror(-r));
    helper_log(LOG_WARNING, "%s: the bridge %s was there without being set up; did so", nic->id,
               nic->bridge);
    return 0;
}

int net_bridges_make(struct net_up *up)
{
    for (size_t i = 0; i < up->n; i++) {
        const struct nic *nic = up->up[i].nic;
        char path[PATH_MAX];
        int r;

        if (is_half_made(up, nic) && (r = complete(up, nic)) < 0)
            return r;
        if (!is_missing(up, nic))
            continue;
        if (strcmp(nic->bridge, DEFAULT_BRIDGE))
            return helper_fail(-ENODEV,
                               "%s: the bridge %s does not exist: make it (a %s.netdev in "
                               "/etc/systemd/network, or `ip link add %s type bridge`), or name "
                               "another with bridge=",
                               nic->id, nic->bridge, nic->bridge, nic->bridge);
        if (default_is_overridden(path))
            return helper_fail(
                -ENODEV,
                "%s: the bridge %s does not exist, and %s replaces or masks the one "
                "that Volt ships: let systemd-networkd make it by that file, make it "
                "another way, or name another with bridge=",
                nic->id, nic->bridge, path);
        r = make_default(up);
        if (r < 0)
            return helper_fail(r, "%s: cannot make the bridge %s: %s", nic->id, nic->bridge,
                               strerror(-r));
        helper_log(LOG_WARNING,
                   "%s: the bridge %s did not exist; made it, with %s/%d. Masquerade "
                   "comes with systemd-networkd: without it guests reach this host only",
                   nic->id, nic->bridge, DEFAULT_ADDRESS, DEFAULT_PREFIX);
    }
    return 0;
}
