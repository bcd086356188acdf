/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of the files that tell systemd-networkd about a VM's interface. */
#pragma once

#include "generator/nic.h"

/* How the TAP comes to its bridge. networkd resolves Bridge= among the bridges that it makes
 * itself, and takes a port out of any other; those need KeepMaster= and volt-net's hand. */
enum network_port {
    NETWORK_PORT_NETWORKD,
    NETWORK_PORT_FOREIGN,
};

/* systemd.netdev(5): makes the TAP. No MACAddress= and MTUBytes= (ignored for a TAP, with a
 * warning), and no KeepCarrier= (networkd would hold the one queue there is). */
void network_text_netdev(FILE *f, const char *uuid, const struct nic *nic);

/* systemd.network(5): MTU, bridge, and nothing of its own on the link. */
void network_text_network(FILE *f, const char *uuid, const struct nic *nic, enum network_port port);
