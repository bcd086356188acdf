// SPDX-License-Identifier: LGPL-2.1-or-later
/* The step of `volt-net up` that systemd-networkd has a part in. */
#include "generator/helper-log.h"
#include "generator/net-reload.h"
#include "generator/net-up.h"
#include "generator/network-files.h"
#include "generator/run-dir.h"

#include <string.h>
#include <syslog.h>

#define LINKS_MS        10000 /* for networkd to make the links, in all */
#define RELOAD_MS       3000  /* for one answer */
#define FIRST_REPEAT_MS 500   /* then twice as long each time */
#define LAST_REPEAT_MS  2000
#define POLL_MS         50 /* guard against a missed event */

static int write_files(struct net_up *up)
{
    int r;

    for (size_t i = 0; i < up->n; i++) {
        if (up->up[i].direct)
            continue;
        r = network_files_write(up->files, up->uuid, up->up[i].nic, up->up[i].port);
        if (r < 0)
            return helper_fail(r, "%s: cannot write its files to %s: %s", up->up[i].nic->id,
                               NETWORK_RUN_DIR, strerror(-r));
    }
    return 0;
}

/* networkd makes a TAP persistent last: before that it is not done with it. */
static bool tap_is_pending(struct net_up *up, const struct nic_up *nic)
{
    struct rtnl_link link;

    return !nic->direct && (rtnl_link_get(up->rtnl, nic->nic->tap, &link) < 0 || !link.tun.persist);
}

static bool is_pending(struct net_up *up)
{
    for (size_t i = 0; i < up->n; i++)
        if (tap_is_pending(up, &up->up[i]))
            return true;
    return net_bridges_pending(up);
}

/* What follows when there is no networkd. The links are made another way; an address is not. */
static void warn_leases(const struct net_up *up)
{
    char address[IPV4_TEXT_SIZE];

    for (size_t i = 0; i < up->n; i++)
        if (up->nics[i].address == NIC_ADDRESS_DHCP)
            helper_log(
                LOG_WARNING,
                "%s: without systemd-networkd nobody gives the guest its address %s by DHCP; "
                "address = cmdline does without it",
                up->nics[i].id, ipv4_text(up->nics[i].ipv4, address));
}

/* Asks until networkd was told and all links are there. Asking once may not do: networkd can answer
 * before it saw that the link of an earlier run is gone, and then does not make it again. */
static void ask_until_made(struct net_up *up, bool lease_changed)
{
    int64_t since = net_now_ms(), deadline = since + LINKS_MS, next = 0;
    int repeat = FIRST_REPEAT_MS;
    bool told = false, wanted = lease_changed;

    for (;; rtnl_wait(up->rtnl, POLL_MS)) {
        _cleanup_free_ char *why = NULL;
        int64_t now = net_now_ms();
        int r;

        if (!wanted && !is_pending(up))
            return;
        if (now >= deadline) {
            if (wanted)
                helper_log(LOG_WARNING, "systemd-networkd does not answer: its DHCP server knows "
                                        "of the guest's address only when it has reloaded");
            return;
        }
        if (now < next)
            continue;
        r = net_reload(NET_RELOAD_FILE, since, RELOAD_MS, &why);
        if (r == -EAGAIN)
            continue;
        if (r < 0 && (r == -ENOENT || !told))
            helper_log(LOG_WARNING, "%s; %s", why ?: strerror(-r),
                       r == -ENOENT ? "going on without it" : "asking again");
        if (r == -ENOENT) {
            warn_leases(up);
            return;
        }
        told = told || r < 0;
        wanted = wanted && r < 0;
        since = now;
        next = net_now_ms() + repeat;
        repeat = repeat * 2 > LAST_REPEAT_MS ? LAST_REPEAT_MS : repeat * 2;
    }
}

/* From here on the TAP is volt-net's: without its .netdev networkd, late, does not make a second.
 * The .network stays, so that a networkd which comes back does what it would have done. */
static int take_over(struct net_up *up, struct nic_up *nic)
{
    struct rtnl_link link;
    int r = network_files_drop_netdev(up->files, up->uuid, nic->nic);

    if (r < 0)
        return helper_fail(r, "%s: cannot remove its .netdev from %s: %s", nic->nic->id,
                           NETWORK_RUN_DIR, strerror(-r));
    r = rtnl_link_get(up->rtnl, nic->nic->tap, &link);
    if (r >= 0 && (strcmp(link.kind, "tun") || !link.tun.is_tap))
        return helper_fail(-EEXIST,
                           "%s: interface %s came up meanwhile and is not a TAP: choose another "
                           "name with tap=",
                           nic->nic->id, nic->nic->tap);
    if (r >= 0)
        (void)rtnl_link_delete(up->rtnl, link.ifindex);
    helper_log(LOG_WARNING, "%s: systemd-networkd did not make the TAP %s; making it directly",
               nic->nic->id, nic->nic->tap);
    nic->direct = true;
    return 0;
}

void net_networkd_forget(struct net_up *up)
{
    for (size_t i = 0; i < up->n; i++) {
        int r =
            up->up[i].direct ? 0 : network_files_drop_netdev(up->files, up->uuid, up->up[i].nic);

        if (r < 0)
            helper_log(LOG_NOTICE, "%s: cannot remove its .netdev from %s: %s; going on",
                       up->up[i].nic->id, NETWORK_RUN_DIR, strerror(-r));
    }
}

int net_networkd_make(struct net_up *up)
{
    bool any = false, lease_changed;
    int r;

    for (size_t i = 0; i < up->n; i++)
        any = any || !up->up[i].direct;
    up->files = run_dir_open(NETWORK_RUN_DIR, true);
    if (up->files < 0)
        return helper_fail(up->files, "cannot open %s: %s", NETWORK_RUN_DIR, strerror(-up->files));
    r = any ? write_files(up) : 0;
    if (r >= 0)
        r = net_leases_write(up, &lease_changed);
    if (r < 0)
        return r;
    ask_until_made(up, lease_changed);
    for (size_t i = 0; i < up->n; i++)
        if (tap_is_pending(up, &up->up[i])) {
            r = take_over(up, &up->up[i]);
            if (r < 0)
                return r;
        }
    return 0;
}
