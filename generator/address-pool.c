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

/* The zone before that of INDEX that would give the same addresses on the same bridge, or NULL. */
static const struct zone *find_rival(const struct zones *zones, size_t index)
{
    const struct zone *zone = zones->items[index];

    for (size_t i = 0; i < index; i++) {
        const struct zone *other = zones->items[i];

        if (other->pool && strcmp(other->bridge, zone->bridge) == 0 &&
            other->reserved.first <= zone->reserved.last &&
            zone->reserved.first <= other->reserved.last)
            return other;
    }
    return NULL;
}

/* Why nothing can be taken from ZONE, whose pool is empty or, where there is one, the RIVAL's, too.
 * NULL without memory. */
static char *explain(const struct zone *zone, const struct zone *rival)
{
    char first[INET_ADDRSTRLEN], last[INET_ADDRSTRLEN], *text;
    int n;

    ipv4_format(zone->reserved.first, first);
    ipv4_format(zone->reserved.last, last);
    if (rival)
        n = asprintf(
            &text,
            "zones '%s' and '%s' have bridge %s and reserved addresses in common; part them "
            "in %s",
            rival->name, zone->name, zone->bridge, zone->source->path);
    else if (zone->reserved.last == 0)
        n = asprintf(&text, "zone '%s' reserves no address for VMs; set reserved in %s", zone->name,
                     zone->source->path);
    else
        n = asprintf(&text,
                     "zone '%s' has no address left: other VMs' files claim all of %s-%s; reserve "
                     "more in %s",
                     zone->name, first, last, zone->source->path);
    return n < 0 ? NULL : text;
}

/* Tells all that take any address of ZONE that they cannot. Returns 0 or -ENOMEM. */
static int report(const struct zone *zone, const struct zone *rival,
                  struct vm_config *const *configs, size_t count)
{
    const struct setting *row = schema_find(SECTION_NETWORK, "ipv4");
    _cleanup_free_ char *text = explain(zone, rival);

    if (!text)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < configs[i]->networks_count; j++)
            if (is_automatic(configs[i]->networks[j], zone))
                problems_add(&configs[i]->problems,
                             *setting_origin(row, &configs[i]->networks[j]->section), "%s", text);
    return 0;
}

int pools_fill(const struct zones *zones, struct vm_config *const *configs, size_t count)
{
    for (size_t i = 0; i < zones->count; i++) {
        struct zone *zone = zones->items[i];
        const struct zone *rival;
        int r;

        if (count_automatic(zone, configs, count) == 0)
            continue;
        r = fill(zone, configs, count);
        if (r < 0)
            return r;
        rival = find_rival(zones, i);
        if (zone->pool[0] == '\0' || rival)
            r = report(zone, rival, configs, count);
        if (r < 0)
            return r;
    }
    return 0;
}
