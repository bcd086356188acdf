// SPDX-License-Identifier: LGPL-2.1-or-later
/* The first step of `volt-net up`: the names that it is going to use must be free. */
#include "generator/fdstore.h"
#include "generator/helper-log.h"
#include "generator/net-down.h"
#include "generator/net-state.h"
#include "generator/net-up.h"

#include <string.h>
#include <syslog.h>

/* systemd closes stored fds on a thread of its own, some time after the barrier. */
#define RELEASE_MS 3000

static int forget_stored(const struct nic *nic)
{
    char name[NIC_FDNAME_SIZE];
    int r = 0;

    for (unsigned queue = 0; queue < nic->queues && r >= 0; queue++) {
        nic_fdname(nic, queue, name);
        r = fdstore_remove(name);
    }
    return r;
}

static bool is_tap(const struct rtnl_link *link)
{
    return !strcmp(link->kind, "tun") && link->tun.is_tap;
}

/* Waits until no process has the TAP. Returns 0 when there is no such link, 1 when there is. */
static int wait_released(struct net_up *up, const struct nic *nic, struct rtnl_link *ret)
{
    int64_t deadline = net_now_ms() + RELEASE_MS;

    for (;;) {
        int r = rtnl_link_get(up->rtnl, nic->tap, ret);

        if (r == -ENODEV)
            return 0;
        if (r < 0)
            return helper_fail(r, "%s: cannot look for %s: %s", nic->id, nic->tap, strerror(-r));
        if (!is_tap(ret) || !ret->carrier)
            return 1;
        if (net_now_ms() >= deadline)
            return helper_fail(-EBUSY,
                               "%s: TAP %s is in use by another process: stop that, or choose "
                               "another name with tap=",
                               nic->id, nic->tap);
        rtnl_wait(up->rtnl, 50);
    }
}

static int claim_link(struct net_up *up, const struct nic *nic)
{
    struct rtnl_link link;
    int r = wait_released(up, nic, &link);

    if (r <= 0)
        return r;
    if (!is_tap(&link))
        return helper_fail(-EEXIST,
                           "%s: interface %s exists and is not a TAP%s%s: choose another name with "
                           "tap=",
                           nic->id, nic->tap, link.kind[0] ? " but of the kind " : "", link.kind);
    if (link.tun.owned)
        return helper_fail(-EEXIST,
                           "%s: TAP %s belongs to a user and was not made by Volt: delete it "
                           "(`ip link delete %s`), or choose another name with tap=",
                           nic->id, nic->tap, nic->tap);
    /* What this VM wrote down is gone by now. */
    if (!nic_tap_is_derived(nic->tap, up->uuid))
        return helper_fail(-EEXIST,
                           "%s: TAP %s exists, and nothing says that this VM made it: delete it "
                           "(`ip link delete %s`), or choose another name with tap=",
                           nic->id, nic->tap, nic->tap);
    helper_log(LOG_NOTICE, "%s: TAP %s is left over from an earlier run; making it anew", nic->id,
               nic->tap);
    r = rtnl_link_delete(up->rtnl, link.ifindex);
    if (r < 0 && r != -ENODEV)
        return helper_fail(r, "%s: cannot delete the left over TAP %s: %s", nic->id, nic->tap,
                           strerror(-r));
    return 0;
}

/* What is written down was not cleaned up: `down` was kept from running. */
static int claim_earlier(struct net_up *up, const struct nic *earlier, size_t n)
{
    struct rtnl_link link;
    int r;

    for (size_t i = 0; i < n; i++) {
        r = wait_released(up, &earlier[i], &link);
        if (r < 0)
            return r;
    }
    helper_log(LOG_NOTICE, "cleaning up after an earlier run");
    (void)net_remove(up->rtnl, up->uuid, earlier, n);
    return 0;
}

int net_claim(struct net_up *up)
{
    struct nic earlier[NIC_MAX];
    size_t n = 0;
    int r, loaded;

    loaded = net_state_load(NET_STATE_DIR, up->uuid, earlier, &n);
    r = 0;
    for (size_t i = 0; i < n && r >= 0; i++)
        r = forget_stored(&earlier[i]);
    for (size_t i = 0; i < up->n && r >= 0; i++)
        r = forget_stored(up->up[i].nic);
    if (r >= 0)
        r = fdstore_barrier();
    if (r < 0)
        return helper_fail(r, "cannot empty the fd store: %s", strerror(-r));
    if (loaded != -ENOENT) {
        r = claim_earlier(up, earlier, n);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < up->n; i++) {
        r = claim_link(up, up->up[i].nic);
        if (r < 0)
            return r;
    }
    return 0;
}
