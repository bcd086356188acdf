// SPDX-License-Identifier: LGPL-2.1-or-later
/* The IPv4 addresses of a VM's interfaces: each is one VM's only. */
#include "generator/helper-log.h"
#include "generator/net-others.h"
#include "generator/net-state.h"
#include "generator/net-up.h"
#include "generator/vm-name.h"

#include <string.h>
#include <syslog.h>

#define RELEASE_MS                                                                                 \
    10000 /* for others that claim theirs; one that stays is taken when it is wanted */

/* Which addresses may be taken from VMs that do not run. */
enum yield {
    YIELD_NONE,    /* nobody's only */
    YIELD_GONE,    /* those of VMs that no file describes any more */
    YIELD_STOPPED, /* those of all that do not run */
};

static struct zone_owner owner_of(const struct net_up *up, const struct nic *nic)
{
    struct zone_owner owner;

    (void)snprintf(owner.uuid, sizeof(owner.uuid), "%s", up->uuid);
    (void)snprintf(owner.nic, sizeof(owner.nic), "%s", nic->id);
    return owner;
}

static bool has_same_ipv4(const struct nic *other, const struct nic *nic)
{
    return other->ipv4 == nic->ipv4 && !strcmp(other->bridge, nic->bridge);
}

/* Whether a running VM has the address, whatever the zone's files say. */
static bool is_in_use(const struct net_up *up, const struct nic *nic, uint32_t address,
                      struct zone_owner *ret)
{
    struct nic wanted = *nic;
    char text[IPV4_TEXT_SIZE];

    wanted.ipv4 = address;
    return net_others_find(up->rtnl, NET_STATE_DIR, up->uuid, ipv4_text(address, text),
                           has_same_ipv4, &wanted, ret);
}

static bool may_take(const struct net_up *up, const struct zone_owner *owner, enum yield yield)
{
    if (yield == YIELD_NONE || net_others_running(up->rtnl, NET_STATE_DIR, owner->uuid))
        return false;
    return yield == YIELD_STOPPED || !vm_is_described(VM_GENERATOR_DIR, owner->uuid);
}

/* Whether somebody on the bridge has it, no VM of ours or not. */
static bool is_known(const struct net_up *up, int bridge, uint32_t address)
{
    return bridge > 0 && rtnl_address_known(up->rtnl, bridge, (struct in_addr){htonl(address)}) > 0;
}

/* Returns 1 when the address is NIC's now, 0 when it stays *ret_other's or, where a BRIDGE is
 * given, somebody's there, -errno. */
static int take(const struct net_up *up, const struct nic *nic, int dir_fd, int bridge,
                uint32_t address, enum yield yield, struct zone_owner *ret_other)
{
    struct zone_owner owner = owner_of(up, nic), kept;
    bool is_others;
    int r;

    r = zone_address_owner(dir_fd, address, &kept);
    if (r < 0)
        return r;
    is_others = r > 0 && !zone_owner_equal(&kept, &owner);
    if (is_others && !may_take(up, &kept, yield)) {
        *ret_other = kept;
        return 0;
    }
    /* Last, since it reads what all running VMs have. */
    if (is_in_use(up, nic, address, ret_other) || is_known(up, bridge, address))
        return 0;
    r = is_others ? zone_address_drop(dir_fd, address) : 0;
    if (r >= 0)
        r = zone_address_take(dir_fd, address, &owner);
    return r < 0 ? r : 1;
}

static int take_first(const struct net_up *up, const struct nic *nic, int dir_fd, enum yield yield,
                      uint32_t *ret_address)
{
    const char *pool = nic->pool;
    struct rtnl_link bridge = {0};
    struct zone_owner other;
    uint32_t first, last;

    (void)rtnl_link_get(up->rtnl, nic->bridge, &bridge); /* not there: nobody is on it */
    while (nic_pool_next(&pool, &first, &last) > 0)
        for (uint64_t address = first; address <= last; address++) {
            int r = take(up, nic, dir_fd, bridge.ifindex, (uint32_t)address, yield, &other);

            if (r == 0)
                continue;
            if (r > 0)
                *ret_address = (uint32_t)address;
            return r;
        }
    return 0;
}

/* What it had before, and may not have any more. */
static int drop_others(const struct net_up *up, const struct nic *nic, int dir_fd)
{
    struct zone_owner owner = owner_of(up, nic);
    uint32_t address;
    int r;

    while ((r = zone_address_find(dir_fd, &owner, NULL, &address)) > 0)
        if ((r = zone_address_drop(dir_fd, address)) < 0)
            break;
    return r;
}

static int choose(const struct net_up *up, const struct nic *nic, int dir_fd, uint32_t *ret_address)
{
    struct zone_owner owner = owner_of(up, nic), other;
    uint32_t address;
    int r = zone_address_find(dir_fd, &owner, nic->pool, &address);

    if (r > 0 && !is_in_use(up, nic, address, &other)) {
        *ret_address = address;
        return 1;
    }
    if (r >= 0)
        r = drop_others(up, nic, dir_fd);
    for (enum yield yield = YIELD_NONE; r == 0 && yield <= YIELD_STOPPED; yield++)
        r = take_first(up, nic, dir_fd, yield, ret_address);
    return r;
}

static int fail_taken(const struct nic *nic, const struct zone_owner *other)
{
    char address[IPV4_TEXT_SIZE], label[VM_LABEL_SIZE];

    return helper_fail(-EADDRINUSE,
                       "%s: the address %s is in use by the %s, interface %s: stop that, or write "
                       "another one to ipv4=",
                       nic->id, ipv4_text(nic->ipv4, address),
                       vm_label(VM_GENERATOR_DIR, other->uuid, label), other->nic);
}

static int claim_in_zone(const struct net_up *up, struct nic *nic)
{
    _cleanup_close_ int dir_fd = zone_address_open(ZONE_STATE_DIR, nic->zone, true);
    char address[IPV4_TEXT_SIZE];
    struct zone_owner other;
    int r = dir_fd;

    if (r >= 0)
        r = nic->ipv4_is_auto ? choose(up, nic, dir_fd, &nic->ipv4)
                              : take(up, nic, dir_fd, 0, nic->ipv4, YIELD_STOPPED, &other);
    if (r < 0)
        return helper_fail(r, "%s: cannot keep its address in %s/%s: %s", nic->id, ZONE_STATE_DIR,
                           nic->zone, strerror(-r));
    if (r == 0 && nic->ipv4_is_auto)
        return helper_fail(-EADDRNOTAVAIL,
                           "%s: no address of the zone %s is free: running VMs have all that are "
                           "left to ipv4 = auto",
                           nic->id, nic->zone);
    if (r == 0)
        return fail_taken(nic, &other);
    if (nic->ipv4_is_auto)
        helper_log(LOG_INFO, "%s: its address in the zone %s is %s", nic->id, nic->zone,
                   ipv4_text(nic->ipv4, address));
    return 0;
}

int net_addresses_claim(struct net_up *up)
{
    for (size_t i = 0; i < up->n; i++) {
        struct nic *nic = &up->nics[i];
        struct zone_owner other;
        int r = 0;

        if (nic->zone[0] && (nic->ipv4 || nic->ipv4_is_auto))
            r = claim_in_zone(up, nic);
        else if (nic->ipv4 && nic->bridge[0] && is_in_use(up, nic, nic->ipv4, &other))
            r = fail_taken(nic, &other);
        if (r < 0)
            return r;
    }
    return 0;
}

static int release(const struct zone_owner *owner, const struct nic *nic)
{
    _cleanup_close_ int dir_fd = zone_address_open(ZONE_STATE_DIR, nic->zone, false);
    struct zone_owner other;
    int r = dir_fd < 0 ? dir_fd : zone_address_owner(dir_fd, nic->ipv4, &other);

    if (r > 0 && zone_owner_equal(owner, &other))
        r = zone_address_drop(dir_fd, nic->ipv4);
    return r == -ENOENT ? 0 : r;
}

void net_addresses_release(const char *uuid, const struct nic *nics, size_t n)
{
    _cleanup_close_ int lock = -EBADF;

    for (size_t i = 0; i < n; i++) {
        const struct net_up up = {.uuid = uuid};
        struct zone_owner owner = owner_of(&up, &nics[i]);
        int r;

        if (!nics[i].zone[0] || !nics[i].ipv4 || nics[i].ipv4_is_auto)
            continue;
        /* Whose it is may change between looking and giving it back. */
        if (lock < 0)
            lock = net_others_lock(NET_STATE_DIR, RELEASE_MS);
        r = lock < 0 ? lock : release(&owner, &nics[i]);
        if (r < 0)
            helper_log(LOG_WARNING, "%s: cannot give its address in the zone %s back: %s; going on",
                       nics[i].id, nics[i].zone, strerror(-r));
    }
}
