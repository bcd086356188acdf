/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making a VM's interfaces: the steps of `volt-net up` share this. */
#pragma once

#include "generator/network-text.h"
#include "generator/rtnl.h"

struct nic_up {
    const struct nic *nic;
    enum network_port port; /* who puts the TAP under its bridge */
    bool direct;            /* volt-net makes the TAP: mode=direct, or networkd did not */
    int fds[NIC_QUEUES_MAX];
};

struct net_up {
    const char *uuid;
    struct nic *nics; /* as asked for; MACs and addresses, as they are found */
    struct nic_up up[NIC_MAX];
    size_t n;
    struct rtnl *rtnl;
    int files;     /* networkd's directory, or -EBADF */
    int announced; /* see net-others.h */
    bool store;    /* fds go to the fd store; else the TAPs are made to stay, for a run by hand */
};

/* Makes all; takes back what was made on an error, which is then logged. MACs and addresses that
 * are found on the way are written to NICS. */
int net_up(const char *uuid, struct nic *nics, size_t n);

/* Makes sure that the TAPs' names are free: drops what an earlier run left (stored fds, files,
 * links), and refuses where the name is somebody else's or the VM runs. */
int net_claim(struct net_up *up);

/* Finds out who makes each bridge; fails where the name belongs to something else. */
int net_bridges_find(struct net_up *up);

/* Whether a bridge that networkd makes is still missing. */
bool net_bridges_pending(struct net_up *up);

/* Makes br0 if it is still missing, and sets it up if an earlier `up` did not come to that; fails,
 * naming it, for any other that is missing. */
int net_bridges_make(struct net_up *up);

/* Takes an IPv4 address for each interface that has one, and writes it down where there is a zone;
 * fails, naming the other VM, where a configured one is taken. With the lock of net-others.h. */
int net_addresses_claim(struct net_up *up);

/* Gives back what net_addresses_claim() took, but for addresses that were chosen: they are kept. */
void net_addresses_release(const char *uuid, const struct nic *nics, size_t n);

/* Sees to it that no other machine on the bridge has an interface's MAC: takes another one in place
 * of one that was derived, fails, naming the other, for one that was configured. With the lock. */
int net_macs_settle(struct net_up *up);

/* The address to take in place of DERIVED: always the same for an ATTEMPT. */
void net_mac_derive(const uint8_t derived[6], unsigned attempt, uint8_t ret[6]);

/* Writes the leases for networkd's DHCP server, and removes those that are not needed any more. */
int net_leases_write(struct net_up *up, bool *ret_changed);

/* Removes the VM's leases, unless an INI file describes it, and those of VMs that are gone (with
 * RTNL NULL, not). Logs what fails. */
int net_leases_remove(struct rtnl *rtnl, const char *uuid);

/* Writes networkd's files and leases, asks it to reload and waits for the links, for a bounded
 * time. NICs that networkd did not make are marked direct. */
int net_networkd_make(struct net_up *up);

/* Removes the .netdev files, once the TAPs are there: they only say how to make them, and networkd
 * takes its time for each one at each reload, also for those of the VMs that have been running for
 * long. */
void net_networkd_forget(struct net_up *up);

/* Sets the TAP up, under its bridge and with its MTU; logs what fails. IS_OURS: nobody else sees to
 * its IPv6 addresses. */
int net_settle_directly(struct net_up *up, const struct nic *nic, bool is_ours);

/* Isolates ports, limits rates and filters what guests send; fails where what is asked for cannot
 * be had. To be done before the guest runs, once the TAPs are ports. */
int net_filter_apply(struct net_up *up);

/* Keeps NIC's TAP from the other isolated ports of its bridge; makes sure that it is so. */
int net_port_isolate(struct net_up *up, const struct nic *nic);

/* `volt-net rejoin`: puts the TAPs of VMs that run back under a bridge that was made anew. networkd
 * does that only when it is told to set each TAP up again. */
int net_rejoin(const char *bridge);

/* Removes the VM's rules; the rest goes with the TAPs. Logs what fails. */
int net_filter_remove(const char *uuid, const struct nic *nics, size_t n);

/* Milliseconds of the monotonic clock. */
int64_t net_now_ms(void);
