// SPDX-License-Identifier: LGPL-2.1-or-later
/* A bridge was made while VMs run: `volt-net rejoin`. */
#include "generator/helper-log.h"
#include "generator/net-others.h"
#include "generator/net-state.h"
#include "generator/net-up.h"

#include <dirent.h>
#include <string.h>
#include <syslog.h>

/* The guest runs: its port is isolated before anything passes. */
static int isolate_first(struct net_up *up, const struct nic *nic, int ifindex)
{
    struct rtnl_link bridge;
    int r = rtnl_link_get(up->rtnl, nic->bridge, &bridge);

    if (r >= 0)
        r = rtnl_link_set_port_down(up->rtnl, ifindex, bridge.ifindex);
    if (r < 0)
        return helper_fail(r, "%s: cannot put %s on the bridge %s: %s", nic->id, nic->tap,
                           nic->bridge, strerror(-r));
    return net_port_isolate(up, nic);
}

static int rejoin_port(struct net_up *up, const struct nic *nic, const char *bridge)
{
    struct rtnl_link link;
    int r;

    /* One that is being made is for its own `up` to place; a port of another bridge was moved by
     * somebody. */
    if (strcmp(nic->bridge, bridge) || rtnl_link_get(up->rtnl, nic->tap, &link) < 0 ||
        link.master > 0)
        return 0;
    r = nic->isolated ? isolate_first(up, nic, link.ifindex) : 0;
    if (r >= 0)
        r = net_settle_directly(up, nic, false);
    if (r >= 0)
        helper_log(LOG_NOTICE, "%s: %s is a port of the bridge %s again", nic->id, nic->tap,
                   bridge);
    return r;
}

int net_rejoin(const char *bridge)
{
    _cleanup_(rtnl_freep) struct rtnl *rtnl = NULL;
    struct dirent *entry;
    int r = rtnl_new(&rtnl);
    DIR *dir;

    if (r < 0)
        return helper_fail(r, "cannot open rtnetlink: %s", strerror(-r));
    dir = opendir(NET_STATE_DIR);
    while (dir && (entry = readdir(dir))) {
        struct net_up up = {.uuid = entry->d_name, .rtnl = rtnl};
        struct nic nics[NIC_MAX];
        size_t n = 0;

        if (!uuid_is_valid(entry->d_name) || net_others_starting(NET_STATE_DIR, entry->d_name))
            continue;
        (void)net_state_load(NET_STATE_DIR, entry->d_name, nics, &n);
        for (size_t i = 0; i < n; i++) {
            int q = rejoin_port(&up, &nics[i], bridge);

            r = q < 0 ? q : r;
        }
    }
    if (dir)
        (void)closedir(dir);
    return r;
}
