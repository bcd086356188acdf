// SPDX-License-Identifier: LGPL-2.1-or-later
/* The addresses that guests get by DHCP: leases in the files of the bridges' .network. */
#include "generator/helper-log.h"
#include "generator/net-others.h"
#include "generator/net-state.h"
#include "generator/net-up.h"
#include "generator/network-files.h"
#include "generator/network-find.h"
#include "generator/network-lease.h"
#include "generator/run-dir.h"
#include "generator/vm-name.h"

#include <string.h>
#include <syslog.h>

/* The .network file that an interface's lease belongs to, where networkd serves DHCP. */
static int find_server(const struct nic *nic, struct network_found *ret)
{
    char address[IPV4_TEXT_SIZE];
    int r = network_find(network_config_dirs, nic->bridge, ret);

    (void)ipv4_text(nic->ipv4, address);
    if (r < 0)
        return helper_fail(r, "%s: cannot look for the .network file of %s: %s", nic->id,
                           nic->bridge, strerror(-r));
    if (r == 0)
        helper_log(LOG_WARNING,
                   "%s: no .network file of systemd-networkd is about the bridge %s, so nobody "
                   "gives the guest its address %s by DHCP: write address = cmdline, or a .network "
                   "file with DHCPServer=yes",
                   nic->id, nic->bridge, address);
    else if (!ret->dhcp_server)
        helper_log(LOG_WARNING,
                   "%s: %s, which is about the bridge %s, has no DHCPServer=yes, so nobody gives "
                   "the guest its address %s by DHCP: write address = cmdline, or turn it on by a "
                   "drop-in in /etc/systemd/network/%s.d",
                   nic->id, ret->file, nic->bridge, address, ret->file);
    return r > 0 && ret->dhcp_server;
}

struct keeping {
    struct rtnl *rtnl;
    const char *uuid;
    const struct nic *nics;
    size_t n;
    bool written[NIC_MAX]; /* this VM's, just now */
    bool is_down;
};

static bool is_about(const struct network_lease *lease, const struct nic *nic)
{
    char line[64], text[IPV4_TEXT_SIZE], mac[MAC_TEXT_SIZE];

    (void)snprintf(line, sizeof(line), "\nAddress=%s\n", ipv4_text(nic->ipv4, text));
    if (strstr(lease->text, line))
        return true;
    (void)snprintf(line, sizeof(line), "\nMACAddress=%s\n", mac_text(nic->mac, mac));
    return strstr(lease->text, line) != NULL;
}

/* A lease is kept while its VM is stopped: taking it away and bringing it back makes networkd set
 * the bridge up anew each time, and forget what it has leased to others. */
static bool keep_lease(const struct network_lease *lease, void *data)
{
    const struct keeping *keeping = data;
    bool is_own = !strcasecmp(lease->uuid, keeping->uuid);

    for (size_t i = 0; i < keeping->n; i++)
        if (keeping->written[i] && is_own && !strcmp(lease->nic, keeping->nics[i].id))
            return true;
    for (size_t i = 0; i < keeping->n; i++)
        if (keeping->written[i] && is_about(lease, &keeping->nics[i]))
            return false; /* of a VM that gave way */
    if (is_own)
        return keeping->is_down && vm_is_described(VM_GENERATOR_DIR, lease->uuid);
    return vm_is_described(VM_GENERATOR_DIR, lease->uuid) || !keeping->rtnl ||
           net_others_running(keeping->rtnl, NET_STATE_DIR, lease->uuid);
}

int net_leases_write(struct net_up *up, bool *ret_changed)
{
    struct keeping keeping = {.rtnl = up->rtnl, .uuid = up->uuid, .nics = up->nics, .n = up->n};
    bool changed = false;
    int r;

    for (size_t i = 0; i < up->n; i++) {
        const struct nic *nic = &up->nics[i];
        struct network_found found;

        if (nic->address != NIC_ADDRESS_DHCP)
            continue;
        r = find_server(nic, &found);
        if (r == 0)
            continue;
        if (r > 0)
            r = network_lease_write(up->files, found.file, up->uuid, nic);
        changed = changed || r > 0;
        if (r >= 0)
            r = network_zone_write(up->files, &found, nic);
        if (r < 0)
            return helper_fail(r, "%s: cannot write its lease to %s: %s", nic->id, NETWORK_RUN_DIR,
                               strerror(-r));
        keeping.written[i] = true;
        changed = changed || r > 0;
    }
    r = network_lease_clean(up->files, keep_lease, &keeping);
    if (r < 0)
        helper_log(LOG_WARNING, "cannot remove leases that are not needed from %s: %s; going on",
                   NETWORK_RUN_DIR, strerror(-r));
    *ret_changed = changed || r > 0;
    return 0;
}

int net_leases_remove(struct rtnl *rtnl, const char *uuid)
{
    struct keeping keeping = {.rtnl = rtnl, .uuid = uuid, .is_down = true};
    _cleanup_close_ int dir_fd = run_dir_open(NETWORK_RUN_DIR, false);
    int r = dir_fd < 0 ? dir_fd : network_lease_clean(dir_fd, keep_lease, &keeping);

    if (r >= 0 || r == -ENOENT)
        return 0;
    helper_log(LOG_WARNING, "cannot remove leases from %s: %s; going on", NETWORK_RUN_DIR,
               strerror(-r));
    return r;
}
