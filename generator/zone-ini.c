/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vocabulary of a zone, one row per key, and reading it from an INI file. */
#include <string.h>

#include "generator/ini-reader.h"
#include "generator/schema.h"
#include "generator/suggest.h"

#define ZONE(field) .section = SECTION_ZONE, .place = offsetof(struct zone, field)

const struct setting zone_schema[] = {
    {ZONE(bridge), .key = "bridge", .parse = parse_ifname,
     .value = "an interface name of at most 15 letters, digits, '.', '_' and '-'",
     .otherwise = "an error: every zone needs one",
     .help = "The bridge on the host that the VMs' TAPs join."},
    {ZONE(subnet), .key = "subnet", .parse = parse_subnet,
     .value = "a network with its prefix, such as 10.42.0.0/24",
     .otherwise = "an error: every zone needs one", .help = "The IPv4 network on the bridge."},
    {ZONE(gateway), .key = "gateway", .parse = parse_host,
     .value = "an IPv4 address without a prefix, such as 10.42.0.1", .otherwise = "none",
     .help = "The guests' way to other networks."},
    {ZONE(dhcp), .key = "dhcp", .parse = parse_boolean, .value = "yes or no", .initial = "no",
     .help = "Whether systemd-networkd serves DHCP on the bridge (DHCPServer=yes in the bridge's "
             ".network file). Without it, VMs get their addresses on the kernel's command line."},
    {ZONE(dhcp_range), .key = "dhcp_range", .parse = parse_range,
     .value = "two IPv4 addresses with '-' between, such as 10.42.0.100-10.42.0.199",
     .otherwise = "none; with dhcp = yes, an error",
     .help = "What the DHCP server gives to whoever asks; no VM can have such an address of its "
             "own."},
    {ZONE(reserved), .key = "reserved", .parse = parse_range,
     .value = "two IPv4 addresses with '-' between, such as 10.42.0.2-10.42.0.99",
     .otherwise = "from the first address up to the DHCP range, or to the last address",
     .help = "What VMs can have as ipv4. The gateway is left out."},
    {ZONE(dns), .key = "dns", .parse = parse_hosts,
     .value = "at most 3 IPv4 addresses with blanks between, such as 10.42.0.1",
     .otherwise = "none; a DHCP server may have its own",
     .help = "The name servers for guests that get their address on the kernel's command line."},
};
const size_t zone_schema_count = ELEMENTSOF(zone_schema);
_Static_assert(ELEMENTSOF(zone_schema) <= ZONE_SETTINGS_MAX, "struct zone has no room for a row");

static const struct setting *find(const char *key)
{
    for (size_t i = 0; i < ELEMENTSOF(zone_schema); i++)
        if (strcmp(zone_schema[i].key, key) == 0)
            return &zone_schema[i];
    return NULL;
}

struct origin zone_said(const struct zone *zone, const char *key)
{
    return zone->set[find(key) - zone_schema];
}

int zone_set(struct zone *zone, unsigned line, const char *key, const char *value)
{
    const struct setting *row = find(key);
    struct origin *origin = &zone->set[row - zone_schema];
    struct origin here = {.source = zone->source, .line = line};
    const char *reason = NULL;
    int r;

    if (origin->source) {
        problems_add(&zone->problems, here, "%s is set again; line %u sets it already", key,
                     origin->line);
        return 0;
    }
    *origin = here;
    if (*value == '\0') {
        problems_add(&zone->problems, here, "%s has no value; remove the line or give it one", key);
        return 0;
    }
    r = row->parse(value, &row->rule, (char *)zone + row->place, &reason);
    if (r == -EINVAL)
        r = setting_report(&zone->problems, here, row, value, reason);
    return r;
}

struct reading {
    struct zone *zone;
    unsigned section; /* the line that [zone] stands in; 0: not yet */
    bool in_zone, in_section;
    int r;
};

static void on_section(void *user, unsigned line, const char *name)
{
    struct reading *reading = user;
    struct origin here = {.source = reading->zone->source, .line = line};

    reading->in_section = true;
    reading->in_zone = strcmp(name, "zone") == 0;
    if (!reading->in_zone)
        problems_add(&reading->zone->problems, here,
                     "unknown section [%.*s]; a zone's file has [zone] and no other", QUOTED(name));
    else if (reading->section > 0)
        problems_add(
            &reading->zone->problems, here,
            "[zone] stands here again, first in line %u; put its settings into one section",
            reading->section);
    else
        reading->section = line;
}

static const char *suggest(const char *key)
{
    const char *best = NULL;
    size_t best_rank = SIZE_MAX;

    for (size_t i = 0; i < ELEMENTSOF(zone_schema); i++) {
        size_t rank = suggest_rank(key, zone_schema[i].key);

        if (rank > 0 && rank < best_rank) {
            best = zone_schema[i].key;
            best_rank = rank;
        }
    }
    return best;
}

static void on_setting(void *user, unsigned line, const char *key, const char *value)
{
    struct reading *reading = user;
    struct origin here = {.source = reading->zone->source, .line = line};
    struct problems *problems = &reading->zone->problems;
    int r;

    if (!reading->in_section) {
        problems_add(problems, here, "'%.*s' stands before any section; begin the file with [zone]",
                     QUOTED(key));
    } else if (reading->in_zone && !find(key)) {
        const char *meant = suggest(key);

        problems_add(problems, here, "unknown key '%.*s' in [zone]; %s%s%s", QUOTED(key),
                     meant ? "did you mean '" : "see volt.zone(5) for those that there are",
                     meant ? meant : "", meant ? "'?" : "");
    } else if (reading->in_zone) {
        r = zone_set(reading->zone, line, key, value);
        if (r < 0)
            reading->r = r;
    }
}

static void on_error(void *user, unsigned line, const char *text, _unused_ const char *raw)
{
    struct reading *reading = user;

    problems_add(&reading->zone->problems,
                 (struct origin){.source = reading->zone->source, .line = line}, "%s", text);
}

int zone_read_ini(struct zone *zone, const char *text, size_t size)
{
    static const struct ini_events events = {
        .section = on_section,
        .setting = on_setting,
        .error = on_error,
    };
    struct reading reading = {.zone = zone};
    int r = ini_read(text, size, &events, &reading);

    if (r < 0)
        return r;
    if (reading.r >= 0 && reading.section == 0)
        problems_add_first(&zone->problems, (struct origin){.source = zone->source},
                           "there is no [zone] section; every zone needs one with at least bridge "
                           "and subnet");
    return reading.r;
}

void zone_write_help(FILE *f)
{
    (void)fputs("[zone]\n        A bridge and the IPv4 network on it.\n", f);
    settings_write_help(zone_schema, ELEMENTSOF(zone_schema), SECTION_ZONE, f);
}

void zone_write_roff(FILE *f)
{
    (void)fputs(".SS [zone]\nA bridge and the IPv4 network on it.", f);
    settings_write_roff(zone_schema, ELEMENTSOF(zone_schema), SECTION_ZONE, f);
}
