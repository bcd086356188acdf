/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The other VMs that run on this host, by what their `volt-net up` wrote down. */
#pragma once

#include "generator/rtnl.h"
#include "generator/zone-address.h"

/* Held, by way of a file descriptor, while a VM's addresses are compared with those of the others
 * and written down: of two that start at once one sees the other. Waits for TIMEOUT_MS. Returns the
 * descriptor, or -errno. */
int net_others_lock(const char *state_dir, int timeout_ms);

/* Held by `volt-net up` for as long as it works: the VM counts as running before its TAPs are
 * there. Returns the descriptor, or -errno. */
int net_others_announce(const char *state_dir, const char *uuid);

/* Whether it is held: a `volt-net up` is at work for the VM. */
bool net_others_starting(const char *state_dir, const char *uuid);

/* Whether the VM runs, or starts: it has one of its TAPs, or is being announced. */
bool net_others_running(struct rtnl *rtnl, const char *state_dir, const char *uuid);

/* Whether SAME(other's nic, NIC) holds for an interface of a running VM other than UUID. That of
 * which it holds has TEXT in what was written down: the others, of which there may be many, are not
 * looked at. */
bool net_others_find(struct rtnl *rtnl, const char *state_dir, const char *uuid, const char *text,
                     bool (*same)(const struct nic *other, const struct nic *nic),
                     const struct nic *nic, struct zone_owner *ret);
