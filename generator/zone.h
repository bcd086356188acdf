/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A zone: a bridge and the IPv4 network on it, described once for all VMs that are in it. */
#pragma once

#include "generator/problem.h"
#include "generator/value.h"

#define ZONE_SETTINGS_MAX 8 /* the rows of its schema fit; see zone-ini.c */

struct zone {
    char name[NAME_LENGTH_MAX + 1];
    struct source *source;                /* its file; NULL: there is none */
    struct origin set[ZONE_SETTINGS_MAX]; /* by row of the schema: where the value comes from */
    char bridge[IFNAME_LENGTH_MAX + 1];
    struct ipv4_address subnet;
    struct in_addr gateway; /* 0: none */
    bool dhcp;
    struct ipv4_range dhcp_range; /* what the DHCP server gives to anyone */
    struct ipv4_range reserved;   /* what VMs may have; no range: nothing */
    struct ipv4_list dns;
    struct problems problems; /* empty: the zone can be used */
    char *pool;               /* what ipv4 = auto may take; see address-pool.h */
};

/* The zones that the VMs of one run name, each read once. */
struct zones {
    const char *root; /* where /etc is: "" for the machine itself */
    struct zone **items;
    size_t count;
};

/* The zone NAME, read when it is asked for first: from /etc/volt/zones/NAME.ini,
 * /run/volt/zones/NAME.ini, Voltainer's /etc/voltainer/network/zone-NAME.yaml or
 * /usr/lib/volt/zones/NAME.ini, the first that there is. What is wrong with it, be it that there is
 * none, is in its problems. Returns 0 or -ENOMEM. */
int zones_get(struct zones *zones, const char *name, struct zone **ret_zone);
void zones_done(struct zones *zones);

/* An empty zone of the file PATH. Returns 0 or -ENOMEM. */
int zone_new(const char *name, const char *path, struct zone **ret_zone);
void zone_free(struct zone *zone);

/* Read the text of the zone's file into it. Return 0 or -ENOMEM. */
int zone_read_ini(struct zone *zone, const char *text, size_t size);
int zone_read_yaml(struct zone *zone, const char *text, size_t size);

/* Call after that: checks what must be there and what does not fit together, and fills in the
 * reserved range. */
void zone_finish(struct zone *zone);

/* Gives the setting KEY, which there is, the VALUE of LINE; a second time is an error. Returns 0 or
 * -ENOMEM. */
int zone_set(struct zone *zone, unsigned line, const char *key, const char *value);

/* Where KEY was set. */
struct origin zone_said(const struct zone *zone, const char *key);

/* Writes the vocabulary for a person, and as the body of volt.zone(5)'s list of settings. */
void zone_write_help(FILE *f);
void zone_write_roff(FILE *f);

static inline void cleanup_zone(struct zone **zone)
{
    zone_free(*zone);
}
#define _cleanup_zone_ _cleanup_(cleanup_zone)
