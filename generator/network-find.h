/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which .network file configures a bridge, by the rules of systemd.network(5). */
#pragma once

#include "vmm/cleanup.h"

#include <limits.h>

struct network_found {
    char file[NAME_MAX + 1]; /* without its directory */
    bool dhcp_server;        /* networkd serves DHCP there */
    bool has_dns;            /* and its files say which DNS servers guests are told, or that they */
    bool has_router;         /* are told none; likewise the router */
};

/* The drop-in that volt-net writes for a zone: it does not count for has_dns and has_router. */
#define NETWORK_ZONE_DROP_IN "40-volt-zone.conf"

/* Looks in DIRS, the strongest first, for the first file by name whose [Match] fits a bridge NAME:
 * a file hides those of the same name in the directories after, and drop-ins count. Conditions
 * about the host are taken to hold; those about hardware, which a bridge has not, are not. Returns
 * 1, 0 or -errno. */
int network_find(const char *const *dirs, const char *name, struct network_found *ret);
