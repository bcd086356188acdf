// SPDX-License-Identifier: LGPL-2.1-or-later
/* What keeps a VM's packets in bounds: isolation, its own addresses only, limits. Whatever is asked
 * for and cannot be had fails the start. */
#include "generator/filter-text.h"
#include "generator/helper-log.h"
#include "generator/net-up.h"
#include "generator/nftables.h"

#include <string.h>
#include <syslog.h>

#define BYTES_PER_MBIT UINT64_C(125000)

/* networkd does it, too, by the .network file, in its own time; that is no matter. */
int net_port_isolate(struct net_up *up, const struct nic *nic)
{
    struct rtnl_link link;
    int r = rtnl_link_get(up->rtnl, nic->tap, &link);

    if (r >= 0 && !link.isolated)
        r = rtnl_port_isolate(up->rtnl, link.ifindex);
    if (r >= 0)
        r = rtnl_link_get(up->rtnl, nic->tap, &link);
    if (r >= 0 && !link.isolated)
        r = -EOPNOTSUPP;
    return r < 0 ? helper_fail(r, "%s: cannot isolate the port %s of the bridge %s: %s", nic->id,
                               nic->tap, nic->bridge, strerror(-r))
                 : 0;
}

/* The way to the guest; the way from it is a rule of nftables. */
static int limit(struct net_up *up, const struct nic *nic)
{
    struct rtnl_link link;
    int r = rtnl_link_get(up->rtnl, nic->tap, &link);

    if (r >= 0)
        r = rtnl_tbf_get(up->rtnl, link.ifindex);
    if (r == 0)
        r = rtnl_tbf_set(up->rtnl, link.ifindex, nic->rate * BYTES_PER_MBIT,
                         filter_burst(nic->rate), filter_backlog(nic->rate));
    return r < 0 ? helper_fail(r, "%s: cannot limit the rate of %s: %s%s", nic->id, nic->tap,
                               strerror(-r), r == -ENOENT ? ": `modprobe sch_tbf` brings it" : "")
                 : 0;
}

static char *make_text(const char *uuid, const struct nic *nics, size_t n)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    if (n > 0)
        filter_text_add(f, uuid, nics, n);
    else
        filter_text_delete(f, uuid);
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

static const struct nic *find_filtered(const struct nic *nics, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (filter_is_needed(&nics[i]))
            return &nics[i];
    return NULL;
}

static int filter(struct net_up *up)
{
    const struct nic *nic = find_filtered(up->nics, up->n);
    _cleanup_free_ char *text = NULL, *why = NULL;
    int r;

    if (!nic)
        return 0;
    text = make_text(up->uuid, up->nics, up->n);
    r = text ? nftables_run(text, &why) : -ENOMEM;
    return r < 0
               ? helper_fail(r, "%s: %s needs nftables: %s", nic->id,
                             nic->antispoof ? "antispoof = yes" : "rate_mbit", why ?: strerror(-r))
               : 0;
}

int net_filter_apply(struct net_up *up)
{
    int r = 0;

    for (size_t i = 0; i < up->n && r >= 0; i++) {
        if (up->nics[i].isolated)
            r = net_port_isolate(up, &up->nics[i]);
        if (r >= 0 && up->nics[i].rate > 0)
            r = limit(up, &up->nics[i]);
    }
    return r < 0 ? r : filter(up);
}

int net_filter_remove(const char *uuid, const struct nic *nics, size_t n)
{
    _cleanup_free_ char *text = NULL, *why = NULL;
    int r;

    if (!find_filtered(nics, n))
        return 0;
    text = make_text(uuid, NULL, 0);
    r = text ? nftables_run(text, &why) : -ENOMEM;
    if (r < 0)
        helper_log(LOG_WARNING, "cannot remove the nftables table volt-%s: %s; going on", uuid,
                   why ?: strerror(-r));
    return r;
}
