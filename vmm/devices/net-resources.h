/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a network interface is made of on the host: TAP queues, and vhost-net where it can be had.
 */
#pragma once

#include "vmm/devices/net.h"
#include "vmm/virtio/vhost.h"

struct net_resources {
    int taps[NET_PAIRS_MAX]; /* owned; -EBADF beyond the number of pairs, and once taken */
    bool has_vhost;
    struct vhost vhosts[NET_PAIRS_MAX]; /* where has_vhost: one a pair */
};

/* Takes or opens what SETTINGS name. vhost is had for all pairs or for none, which a notice tells
 * unless whoever handed descriptors over did. 0 or -errno; logs. */
int net_resources_acquire(struct net_resources *resources, const struct net_settings *settings,
                          const struct device_environment *environment);

/* Lets go of what was not taken. */
void net_resources_done(struct net_resources *resources);
