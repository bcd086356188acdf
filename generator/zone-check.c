/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A zone: what can be said once its file is read. */
#include <arpa/inet.h>
#include <string.h>

#include "generator/zone.h"

static struct origin place_of(const struct zone *zone, const char *key)
{
    struct origin origin = zone_said(zone, key);

    return origin.source ? origin : (struct origin){.source = zone->source};
}

/* Whether KEY was set, if in error. Then there is no more to say about it. */
static bool is_set(const struct zone *zone, const char *key)
{
    return zone_said(zone, key).source != NULL;
}

/* The addresses that hosts of the subnet can have. */
static struct ipv4_range hosts_of(const struct zone *zone)
{
    struct ipv4_range range = ipv4_subnet_range(&zone->subnet);

    range.first++;
    range.last--;
    return range;
}

static void check_inside(struct zone *zone, const char *key, const struct ipv4_range *range)
{
    struct ipv4_range hosts = hosts_of(zone);
    char first[INET_ADDRSTRLEN], last[INET_ADDRSTRLEN];

    if (range->last == 0 ||
        (ipv4_range_has(&hosts, range->first) && ipv4_range_has(&hosts, range->last)))
        return;
    ipv4_format(hosts.first, first);
    ipv4_format(hosts.last, last);
    problems_add(&zone->problems, place_of(zone, key),
                 "%s is not within the subnet, whose hosts are %s to %s", key, first, last);
}

/* What VMs can have, unless told otherwise: all before the DHCP range, and all where there is none.
 */
static void derive_reserved(struct zone *zone)
{
    uint32_t gateway = ntohl(zone->gateway.s_addr);
    struct ipv4_range range = hosts_of(zone);

    if (zone->dhcp_range.last != 0)
        range.last = zone->dhcp_range.first - 1;
    if (range.first == gateway)
        range.first++;
    if (range.last == gateway)
        range.last--;
    if (range.first <= range.last)
        zone->reserved = range;
}

static void check_reserved(struct zone *zone)
{
    const struct ipv4_range *reserved = &zone->reserved, *dhcp = &zone->dhcp_range;

    if (dhcp->last != 0 && reserved->first <= dhcp->last && dhcp->first <= reserved->last)
        problems_add(&zone->problems, place_of(zone, "reserved"),
                     "reserved and dhcp_range have addresses in common; part them");
}

void zone_finish(struct zone *zone)
{
    static const char *const needed[] = {"bridge", "subnet"};
    struct ipv4_range gateway = {.first = ntohl(zone->gateway.s_addr),
                                 .last = ntohl(zone->gateway.s_addr)};

    /* Of a file that could not be read, what it lacks is no news. */
    if (zone->problems.count > 0 && !is_set(zone, "bridge") && !is_set(zone, "subnet"))
        return;
    for (size_t i = 0; i < ELEMENTSOF(needed); i++)
        if (!is_set(zone, needed[i]))
            problems_add(&zone->problems, (struct origin){.source = zone->source},
                         "there is no %s; every zone needs one", needed[i]);
    if (zone->dhcp && !is_set(zone, "dhcp_range"))
        problems_add(&zone->problems, place_of(zone, "dhcp"),
                     "DHCP is on, but there is no range for it: VMs could not tell what is theirs");
    if (zone->subnet.prefix == 0)
        return;
    check_inside(zone, "gateway", &gateway);
    check_inside(zone, "dhcp_range", &zone->dhcp_range);
    check_inside(zone, "reserved", &zone->reserved);
    if (ipv4_range_has(&zone->dhcp_range, gateway.first))
        problems_add(&zone->problems, place_of(zone, "dhcp_range"),
                     "the gateway is in the DHCP range; leave it out of it");
    if (zone->problems.count > 0)
        return;
    if (is_set(zone, "reserved"))
        check_reserved(zone);
    else
        derive_reserved(zone);
}
