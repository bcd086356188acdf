/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The DNS servers that this host asks: what a zone without servers of its own tells guests. */
#pragma once

#include "generator/nic.h"

/* Reads the IPv4 servers of a resolv.conf(5), as many as fit; those on this host's loopback are not
 * for guests. Returns how many. */
unsigned host_dns_read(FILE *f, uint32_t *ret, unsigned max);

/* The servers of the first of FILES that has any; FILES ends with NULL. */
unsigned host_dns_find(const char *const *files, uint32_t *ret, unsigned max);

/* Where this host's are: systemd-resolved's list first, since resolv.conf has its stub only. */
extern const char *const host_dns_files[];

/* Whether systemd-networkd knows servers itself, by its state file: then its DHCP server tells
 * them, and goes with the changes. */
bool host_dns_is_networkds(const char *state_file);
#define HOST_DNS_NETWORKD "/run/systemd/netif/state"
