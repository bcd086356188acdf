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
    const struct nic *nics; /* as asked for */
    struct nic_up up[NIC_MAX];
    size_t n;
    struct rtnl *rtnl;
    int files;  /* networkd's directory, or -EBADF */
    bool store; /* fds go to the fd store; else the TAPs are made to stay, for a run by hand */
};

/* Makes all; takes back what was made on an error, which is then logged. */
int net_up(const char *uuid, const struct nic *nics, size_t n);

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

/* Writes networkd's files, asks it to reload and waits for the links, for a bounded time. NICs that
 * networkd did not make are marked direct. */
int net_networkd_make(struct net_up *up);

/* Sets the TAP up, under its bridge and with its MTU; logs what fails. IS_OURS: nobody else sees to
 * its IPv6 addresses. */
int net_settle_directly(struct net_up *up, const struct nic *nic, bool is_ours);

/* Milliseconds of the monotonic clock. */
int64_t net_now_ms(void);
