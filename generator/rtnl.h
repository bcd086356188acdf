/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network links by rtnetlink (rtnetlink(7), include/uapi/linux/if_link.h). */
#pragma once

#include "vmm/cleanup.h"

#include <net/if.h>
#include <netinet/in.h>

struct rtnl;

struct rtnl_link {
    int ifindex;
    char name[IFNAMSIZ];
    char kind[16];  /* "tun", "bridge", …; "" for hardware */
    unsigned flags; /* IFF_UP, … */
    bool carrier;   /* of a TAP: a queue is attached */
    int master;     /* ifindex of the bridge, or 0 */
    bool isolated;  /* a port of a bridge, kept from the other isolated ones */
    unsigned mtu;
    uint8_t address[6];
    struct {
        bool is_tap; /* not a tun */
        bool persist;
        bool owned; /* by a user or a group: `ip tuntap add … user` */
    } tun;
};

/* Opens a socket in the network namespace of the calling thread. */
int rtnl_new(struct rtnl **ret);
struct rtnl *rtnl_free(struct rtnl *rtnl);
static inline void rtnl_freep(struct rtnl **rtnl)
{
    (void)rtnl_free(*rtnl);
}

/* Looks a link up. Returns 0, -ENODEV when there is none, or another -errno. */
int rtnl_link_get(struct rtnl *rtnl, const char *name, struct rtnl_link *ret);

/* The name of a link, by its index. */
int rtnl_link_name(struct rtnl *rtnl, int ifindex, char ret[IFNAMSIZ]);

int rtnl_link_delete(struct rtnl *rtnl, int ifindex);

/* Sets the link up; on the way puts it under MASTER (0: leaves it) and sets MTU (0: leaves it). */
int rtnl_link_set_up(struct rtnl *rtnl, int ifindex, int master, unsigned mtu);

/* Makes a link a port of MASTER that is down: nothing passes. */
int rtnl_link_set_port_down(struct rtnl *rtnl, int ifindex, int master);

/* Keeps the kernel from giving the link an fe80:: address, as networkd's LinkLocalAddressing=no. */
int rtnl_link_no_ipv6ll(struct rtnl *rtnl, int ifindex);

/* Makes a bridge without STP and without forward delay. Returns -EEXIST when the name is taken. */
int rtnl_bridge_new(struct rtnl *rtnl, const char *name, const uint8_t address[6]);

/* Adds an IPv4 address; that it is there already is no error. */
int rtnl_address_add(struct rtnl *rtnl, int ifindex, struct in_addr address, unsigned prefix);

/* Whether the link has an IPv4 address: 1, 0 or -errno. */
int rtnl_address_any(struct rtnl *rtnl, int ifindex);

/* Keeps a bridge's port from the other isolated ports. */
int rtnl_port_isolate(struct rtnl *rtnl, int ifindex);

/* Looks MAC up in the forwarding table of the bridge with the index BRIDGE, its own address and its
 * ports' included. What was learned counts if the machine was heard in the last HEARD_SECONDS.
 * Returns 1 with the index of the port (or of the bridge), 0 or -errno. */
int rtnl_fdb_find(struct rtnl *rtnl, int bridge, const uint8_t mac[6], unsigned heard_seconds,
                  int *ret_port);

/* Whether the link with the index BRIDGE has the IPv4 address, or a neighbour there that is still
 * behind one of its ports. Returns 1, 0 or -errno. */
int rtnl_address_known(struct rtnl *rtnl, int bridge, struct in_addr address);

/* The token bucket filter (tc-tbf(8)) at a link's root: packets to the link pass at RATE bytes a
 * second. Returns 1 or 0, or -errno. */
int rtnl_tbf_get(struct rtnl *rtnl, int ifindex);

/* Sets one; BURST bytes pass at once, LIMIT bytes wait. */
int rtnl_tbf_set(struct rtnl *rtnl, int ifindex, uint64_t rate, uint32_t burst, uint32_t limit);

/* Has rtnl_wait() woken by changes of the links with these N names, at most 32, only: where many
 * VMs start together each would be woken by all. To be called before the first change that matters.
 */
int rtnl_watch(struct rtnl *rtnl, const char *const *names, size_t n);

/* Waits until any link changes (of those that are watched), or TIMEOUT_MS have passed. Changes
 * since the last call count. */
void rtnl_wait(struct rtnl *rtnl, int timeout_ms);
