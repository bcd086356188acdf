// SPDX-License-Identifier: LGPL-2.1-or-later
/* Taking a VM's interfaces away. */
#include "generator/net-down.h"

#include "generator/fdstore.h"
#include "generator/helper-log.h"
#include "generator/net-state.h"
#include "generator/net-up.h"
#include "generator/network-files.h"
#include "generator/run-dir.h"

#include <string.h>
#include <syslog.h>

static int remove_files(const char *uuid)
{
    _cleanup_close_ int dir_fd = run_dir_open(NETWORK_RUN_DIR, false);
    int r = dir_fd < 0 ? dir_fd : network_files_remove(dir_fd, uuid);

    if (r >= 0 || r == -ENOENT)
        return 0;
    helper_log(LOG_WARNING, "cannot remove %s/50-vm-%s-*: %s; going on", NETWORK_RUN_DIR, uuid,
               strerror(-r));
    return r;
}

static int remove_stored_fds(const struct nic *nics, size_t n)
{
    char name[NIC_FDNAME_SIZE];
    int r = 0;

    for (size_t i = 0; i < n; i++)
        for (unsigned queue = 0; queue < nics[i].queues && r >= 0; queue++) {
            nic_fdname(&nics[i], queue, name);
            r = fdstore_remove(name);
        }
    if (r >= 0 && n > 0)
        r = fdstore_barrier();
    if (r < 0)
        helper_log(LOG_WARNING, "cannot remove the stored queues: %s; going on", strerror(-r));
    return r < 0 ? r : 0;
}

static int remove_link(struct rtnl *rtnl, const struct nic *nic)
{
    struct rtnl_link link;
    int r = rtnl_link_get(rtnl, nic->tap, &link);

    if (r >= 0 && (strcmp(link.kind, "tun") || !link.tun.is_tap)) {
        helper_log(LOG_WARNING, "%s: interface %s is not a TAP; leaving it alone", nic->id,
                   nic->tap);
        return 0;
    }
    if (r >= 0)
        r = rtnl_link_delete(rtnl, link.ifindex);
    /* With its persistence cleared the link often goes by itself, also between the two calls. */
    if (r >= 0 || r == -ENODEV)
        return 0;
    helper_log(LOG_WARNING, "%s: cannot delete the TAP %s: %s; going on", nic->id, nic->tap,
               strerror(-r));
    return r;
}

int net_remove(struct rtnl *rtnl, const char *uuid, const struct nic *nics, size_t n)
{
    int r = remove_files(uuid), q;

    q = remove_stored_fds(nics, n);
    r = r < 0 ? r : q;
    for (size_t i = 0; rtnl && i < n; i++) {
        q = remove_link(rtnl, &nics[i]);
        r = r < 0 ? r : q;
    }
    q = net_filter_remove(uuid, nics, n);
    r = r < 0 ? r : q;
    q = net_leases_remove(rtnl, uuid);
    r = r < 0 ? r : q;
    net_addresses_release(uuid, nics, n);
    q = net_state_remove(NET_STATE_DIR, uuid);
    if (q < 0)
        helper_log(LOG_WARNING, "cannot remove %s/%s: %s", NET_STATE_DIR, uuid, strerror(-q));
    return r < 0 ? r : q;
}

int net_down(const char *uuid)
{
    _cleanup_(rtnl_freep) struct rtnl *rtnl = NULL;
    struct nic nics[NIC_MAX];
    size_t n = 0;
    int r, q;

    q = net_state_load(NET_STATE_DIR, uuid, nics, &n);
    if (q == -ENOENT)
        q = 0;
    else if (q < 0)
        helper_log(LOG_WARNING, "cannot read %s/%s/taps: %s; going on", NET_STATE_DIR, uuid,
                   strerror(-q));
    r = rtnl_new(&rtnl);
    if (r < 0)
        helper_log(LOG_WARNING, "cannot open rtnetlink: %s; going on", strerror(-r));
    q = r < 0 ? r : q;
    r = net_remove(rtnl, uuid, nics, n);
    return q < 0 ? q : r;
}
