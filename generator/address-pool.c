/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left of a zone's reserved addresses for the VMs that take any. */
#include "generator/address-pool.h"

#include <arpa/inet.h>
#include <string.h>

#include "generator/schema.h"

struct addresses {
    uint32_t *items;
    size_t count;
};

static bool is_automatic(const struct network_section *network, const struct zone *zone)
{
    return network->zone == zone && network->ipv4.automatic;
}

/* How many interfaces take any address of the zone. */
static size_t count_automatic(const struct zone *zone, struct vm_config *const *configs,
                              size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < configs[i]->networks_count; j++)
            n += is_automatic(configs[i]->networks[j], zone);
    return n;
}

static int compare_addresses(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The reserved addresses that nobody gets by chance, in order. */
static int collect_claims(const struct zone *zone, struct vm_config *const *configs, size_t count,
                          struct addresses *ret_claims)
{
    size_t room = 1;

    for (size_t i = 0; i < count; i++)
        room += configs[i]->networks_count;
    ret_claims->items = calloc(room, sizeof(*ret_claims->items));
    if (!ret_claims->items)
        return -ENOMEM;
    ret_claims->items[ret_claims->count++] = ntohl(zone->gateway.s_addr);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < configs[i]->networks_count; j++) {
            const struct network_section *network = configs[i]->networks[j];

            if (network->ipv4.prefix > 0 && !network->ipv4.automatic &&
                strcmp(network->bridge, zone->bridge) == 0)
                ret_claims->items[ret_claims->count++] = ntohl(network->ipv4.address.s_addr);
        }
    qsort(ret_claims->items, ret_claims->count, sizeof(*ret_claims->items), compare_addresses);
    return 0;
}

static void write_range(FILE *f, uint32_t first, uint32_t last, size_t index)
{
    char text[INET_ADDRSTRLEN];

    ipv4_format(first, text);
    (void)fprintf(f, "%s%s", index > 0 ? "+" : "", text);
    if (last == first)
        return;
    ipv4_format(last, text);
    (void)fprintf(f, "-%s", text);
}

static void write_pool(FILE *f, const struct ipv4_range *reserved, const struct addresses *claims)
{
    uint32_t next = reserved->first;
    size_t ranges = 0;

    if (reserved->last == 0)
        return;
    for (size_t i = 0; i < claims->count && ranges < POOL_RANGES_MAX; i++) {
        uint32_t claim = claims->items[i];

        if (claim < next)
            continue;
        if (claim > reserved->last)
            break;
        if (claim > next)
            write_range(f, next, claim - 1, ranges++);
        next = claim + 1;
    }
    if (next <= reserved->last && ranges < POOL_RANGES_MAX)
        write_range(f, next, reserved->last, ranges);
}

static int fill(struct zone *zone, struct vm_config *const *configs, size_t count)
{
    struct addresses claims = {0};
    size_t size;
    FILE *f;
    int r = collect_claims(zone, configs, count, &claims);

    if (r < 0)
        return r;
    f = open_memstream(&zone->pool, &size);
    if (f) {
        write_pool(f, &zone->reserved, &claims);
        r = fclose(f) != 0 ? -ENOMEM : 0;
    } else {
        r = -ENOMEM;
    }
    free(claims.items);
    return r;
}

/* Tells all that take an address of the ZONE that there is none. */
static void report_empty(const struct zone *zone, struct vm_config *const *configs, size_t count)
{
    const struct setting *row = schema_find(SECTION_NETWORK, "ipv4");
    char first[INET_ADDRSTRLEN], last[INET_ADDRSTRLEN];

    ipv4_format(zone->reserved.first, first);
    ipv4_format(zone->reserved.last, last);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < configs[i]->networks_count; j++) {
            struct network_section *network = configs[i]->networks[j];
            struct origin origin = *setting_origin(row, &network->section);

            if (!is_automatic(network, zone))
                continue;
            if (zone->reserved.last == 0)
                problems_add(&configs[i]->problems, origin,
                             "zone '%s' reserves no address for VMs; set reserved in %s",
                             zone->name, zone->source->path);
            else
                problems_add(&configs[i]->problems, origin,
                             "zone '%s' has no address left: other VMs' files claim all of %s-%s; "
                             "reserve more in %s",
                             zone->name, first, last, zone->source->path);
        }
}

int pools_fill(const struct zones *zones, struct vm_config *const *configs, size_t count)
{
    for (size_t i = 0; i < zones->count; i++) {
        struct zone *zone = zones->items[i];
        int r;

        if (count_automatic(zone, configs, count) == 0)
            continue;
        r = fill(zone, configs, count);
        if (r < 0)
            return r;
        if (zone->pool[0] == '\0')
            report_empty(zone, configs, count);
    }
    return 0;
}
