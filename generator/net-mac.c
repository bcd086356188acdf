// SPDX-License-Identifier: LGPL-2.1-or-later
/* The MAC addresses of a VM's interfaces: no other machine on the bridge may have them. */
#include "generator/helper-log.h"
#include "generator/net-others.h"
#include "generator/net-state.h"
#include "generator/net-up.h"
#include "generator/vm-name.h"

#include <string.h>
#include <syslog.h>

#define ATTEMPTS 64
#define HEARD_SECONDS                                                                              \
    10 /* a machine that was heard last before that may be this one, which moved */

void net_mac_derive(const uint8_t derived[6], unsigned attempt, uint8_t ret[6])
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

    for (size_t i = 0; i < 6; i++)
        hash = (hash ^ derived[i]) * UINT64_C(0x100000001b3);
    hash = (hash ^ attempt) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < 6; i++)
        ret[i] = (uint8_t)(hash >> (8 * i + 8));
    ret[0] = (uint8_t)((ret[0] & 0xfc) | 0x02); /* locally administered, unicast */
}

static bool has_same_mac(const struct nic *other, const struct nic *nic)
{
    return other->has_mac && !memcmp(other->mac, nic->mac, 6) &&
           !strcmp(other->bridge, nic->bridge);
}

static bool has_same_tap(const struct nic *other, const struct nic *nic)
{
    return !strcmp(other->tap, nic->tap);
}

/* Says whose the port is that the address was seen on. */
static void name_port(const struct net_up *up, const struct nic *nic, int port, char *who,
                      size_t size)
{
    char label[VM_LABEL_SIZE];
    struct zone_owner other;
    struct nic on_port = {0};

    if (rtnl_link_name(up->rtnl, port, on_port.tap) < 0)
        (void)snprintf(who, size, "a machine on the bridge %s", nic->bridge);
    else if (!strcmp(on_port.tap, nic->bridge))
        (void)snprintf(who, size, "the bridge %s itself", nic->bridge);
    else if (net_others_find(up->rtnl, NET_STATE_DIR, up->uuid, on_port.tap, has_same_tap, &on_port,
                             &other))
        (void)snprintf(who, size, "the %s, interface %s, which was not given it",
                       vm_label(VM_GENERATOR_DIR, other.uuid, label), other.nic);
    else
        (void)snprintf(who, size, "a machine on the port %s of the bridge %s, no VM of Volt",
                       on_port.tap, nic->bridge);
}

/* Who else has NIC's MAC: writes a few words to WHO. Returns 1, 0 or -errno. */
static int find_conflict(const struct net_up *up, const struct nic *nic, char *who, size_t size)
{
    char label[VM_LABEL_SIZE], mac[MAC_TEXT_SIZE];
    struct zone_owner other;
    struct rtnl_link bridge;
    int r, port;

    for (size_t i = 0; i < up->n; i++)
        if (&up->nics[i] != nic && has_same_mac(&up->nics[i], nic) &&
            (!up->nics[i].mac_is_derived || &up->nics[i] < nic)) {
            (void)snprintf(who, size, "this VM's interface %s", up->nics[i].id);
            return 1;
        }
    if (net_others_find(up->rtnl, NET_STATE_DIR, up->uuid, mac_text(nic->mac, mac), has_same_mac,
                        nic, &other)) {
        (void)snprintf(who, size, "the %s, interface %s",
                       vm_label(VM_GENERATOR_DIR, other.uuid, label), other.nic);
        return 1;
    }
    if (rtnl_link_get(up->rtnl, nic->bridge, &bridge) < 0)
        return 0; /* not there yet: nobody is on it */
    r = rtnl_fdb_find(up->rtnl, bridge.ifindex, nic->mac, HEARD_SECONDS, &port);
    if (r <= 0)
        return r;
    name_port(up, nic, port, who, size);
    return 1;
}

static int settle_mac(struct net_up *up, struct nic *nic)
{
    char who[VM_LABEL_SIZE + 80], ignored[VM_LABEL_SIZE + 80], text[MAC_TEXT_SIZE],
        now[MAC_TEXT_SIZE];
    uint8_t derived[6];
    int r = find_conflict(up, nic, who, sizeof(who));

    (void)mac_text(nic->mac, text);
    if (r > 0 && !nic->mac_is_derived)
        return helper_fail(-EADDRINUSE,
                           "%s: the MAC address %s is in use by %s: write another one to mac=, or "
                           "leave it out and let Volt derive one",
                           nic->id, text, who);
    memcpy(derived, nic->mac, sizeof(derived));
    for (unsigned attempt = 1; r > 0 && attempt <= ATTEMPTS; attempt++) {
        net_mac_derive(derived, attempt, nic->mac);
        r = find_conflict(up, nic, ignored, sizeof(ignored));
        if (r == 0)
            helper_log(LOG_NOTICE,
                       "%s: the derived MAC address %s is in use by %s; the guest gets %s", nic->id,
                       text, who, mac_text(nic->mac, now));
    }
    if (r < 0)
        return helper_fail(r, "%s: cannot look for the MAC address %s on the bridge %s: %s",
                           nic->id, text, nic->bridge, strerror(-r));
    return r > 0 ? helper_fail(-EADDRINUSE, "%s: all MAC addresses that were tried are in use",
                               nic->id)
                 : 0;
}

int net_macs_settle(struct net_up *up)
{
    for (size_t i = 0; i < up->n; i++) {
        int r = 0;

        if (up->nics[i].has_mac && up->nics[i].bridge[0])
            r = settle_mac(up, &up->nics[i]);
        if (r < 0)
            return r;
    }
    return 0;
}
