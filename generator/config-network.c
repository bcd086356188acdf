/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The description of a VM: what can be said about its network once everything is read. */
#include <arpa/inet.h>
#include <string.h>

#include "generator/config.h"
#include "generator/schema.h"

/* The longest ip= word that volt-net puts on a command line, and the blank before it. */
#define IP_WORD_MAX                                                                                \
    sizeof(" ip=255.255.255.255::255.255.255.255:255.255.255.255::eth7:off:255.255.255.255:"       \
           "255.255.255.255")

/* A row of the schema in one [network], and where its value was written. */
static struct origin said(const struct network_section *network, const char *key)
{
    return network->section.set[schema_find(SECTION_NETWORK, key) - schema];
}

/* The place to point at for KEY: its line, or its section's. */
static struct origin place_of(const struct network_section *network, const char *key)
{
    struct origin origin = said(network, key);

    return origin.source ? origin : network->section.origin;
}

bool network_says(const struct network_section *network, const char *key)
{
    return said(network, key).source != NULL;
}

/* FNV-1a with a last mix, so that every bit of the result depends on every byte. Never change it:
 * guests know their interfaces by the MAC. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
    return hash;
}

static struct mac_address derive_mac(const char *uuid, const char *id, unsigned attempt)
{
    uint64_t hash = hash_text(hash_text(hash_text(0xcbf29ce484222325, uuid), "/"), id);
    struct mac_address mac;

    if (attempt > 0) {
        char suffix[sizeof("/4294967295")];

        (void)snprintf(suffix, sizeof(suffix), "/%u", attempt); /* no id has a '/' */
        hash = hash_text(hash, suffix);
    }
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccd;
    hash ^= hash >> 33;
    for (size_t i = 0; i < 6; i++)
        mac.bytes[i] = (uint8_t)(hash >> (8 * i));
    mac.bytes[0] = (uint8_t)((mac.bytes[0] & 0xfc) | 0x02); /* locally administered, unicast */
    return mac;
}

void network_derive_mac(const struct vm_config *config, struct network_section *network)
{
    network->mac_attempt++;
    network->mac = derive_mac(config->vm.uuid, network->section.id, network->mac_attempt);
}

static void derive_network(struct vm_config *config, size_t index)
{
    struct network_section *network = config->networks[index];
    char suffix[sizeof("-18446744073709551615")] = "";

    if (config->vm.uuid[0] == '\0')
        return;
    if (network->tap[0] == '\0') {
        if (index > 0)
            (void)snprintf(suffix, sizeof(suffix), "-%zu", index);
        (void)snprintf(network->tap, sizeof(network->tap), "tap-%.8s%.2s", config->vm.uuid, suffix);
    }
    if (!network_says(network, "mac"))
        network->mac = derive_mac(config->vm.uuid, network->section.id, 0);
}

/* Tells the VM why it cannot use ZONE: in one line, however much is wrong with it. */
static void report_zone(struct vm_config *config, const struct network_section *network,
                        const struct zone *zone)
{
    _cleanup_free_ char *text = NULL;
    size_t size, more = zone->problems.count - 1 + zone->problems.dropped;
    FILE *f = open_memstream(&text, &size);

    if (!f) {
        config->problems.no_memory = true;
        return;
    }
    problem_write(&zone->problems.items[0], true, f);
    if (more > 0)
        (void)fprintf(f, " (and %zu more there)", more);
    if (fclose(f) != 0)
        config->problems.no_memory = true;
    else
        problems_add(&config->problems, place_of(network, "zone"), "zone '%s': %s", zone->name,
                     text);
}

/* Finds the zone and takes the bridge from it. Returns 0 or -ENOMEM. */
static int enter_zone(struct vm_config *config, struct network_section *network,
                      struct zones *zones)
{
    struct zone *zone;
    int r;

    if (network->zone_name[0] == '\0')
        return 0;
    if (network->bridge[0] != '\0') {
        problems_add(&config->problems, place_of(network, "zone"),
                     "bridge (line %u) and zone exclude each other; keep one",
                     said(network, "bridge").line);
        return 0;
    }
    r = zones_get(zones, network->zone_name, &zone);
    if (r < 0)
        return r;
    if (zone->problems.count > 0) {
        report_zone(config, network, zone);
        return 0;
    }
    network->zone = zone;
    memcpy(network->bridge, zone->bridge, sizeof(network->bridge));
    return 0;
}

static void check_zone_address(struct vm_config *config, struct network_section *network)
{
    const struct zone *zone = network->zone;
    uint32_t address = ntohl(network->ipv4.address.s_addr);
    struct ipv4_range subnet = ipv4_subnet_range(&zone->subnet);
    char text[INET_ADDRSTRLEN], first[INET_ADDRSTRLEN], last[INET_ADDRSTRLEN];
    struct origin origin = place_of(network, "ipv4");
    struct problems *problems = &config->problems;

    ipv4_format(address, text);
    ipv4_format(subnet.first, first);
    if (!ipv4_range_has(&subnet, address)) {
        problems_add(problems, origin, "ipv4 %s is not in zone '%s', which is %s/%u", text,
                     zone->name, first, zone->subnet.prefix);
        return;
    }
    if (network->ipv4.prefix != zone->subnet.prefix) {
        problems_add(problems, origin, "ipv4 has the prefix /%u, but zone '%s' is %s/%u",
                     network->ipv4.prefix, zone->name, first, zone->subnet.prefix);
        return;
    }
    if (zone->gateway.s_addr == network->ipv4.address.s_addr) {
        problems_add(problems, origin, "ipv4 %s is the gateway of zone '%s'", text, zone->name);
        return;
    }
    if (ipv4_range_has(&zone->dhcp_range, address)) {
        ipv4_format(zone->dhcp_range.first, first);
        ipv4_format(zone->dhcp_range.last, last);
        problems_add(problems, origin,
                     "ipv4 %s is in the range that zone '%s' gives by DHCP, %s-%s", text,
                     zone->name, first, last);
        return;
    }
    if (ipv4_range_has(&zone->reserved, address))
        return;
    ipv4_format(zone->reserved.first, first);
    ipv4_format(zone->reserved.last, last);
    if (zone->reserved.last != 0)
        problems_add(problems, origin,
                     "ipv4 %s is not among the addresses that zone '%s' reserves for VMs, %s-%s",
                     text, zone->name, first, last);
    else
        problems_add(problems, origin,
                     "zone '%s' reserves no address for VMs; leave ipv4 out, or set reserved in %s",
                     zone->name, zone->source->path);
}

static void check_ipv4(struct vm_config *config, struct network_section *network)
{
    struct ipv4_address *ipv4 = &network->ipv4;

    if (network->zone && ipv4->automatic)
        ipv4->prefix = network->zone->subnet.prefix;
    else if (ipv4->automatic && network->zone_name[0] == '\0')
        problems_add(&config->problems, place_of(network, "ipv4"),
                     "ipv4 = auto needs a zone to take the address from; add zone = NAME, or write "
                     "the address");
    else if (network->zone && ipv4->prefix > 0)
        check_zone_address(config, network);
}

/* How the address reaches the guest, where nobody says so. */
static enum network_address default_address(const struct network_section *network)
{
    if (!network_says(network, "ipv4") || network->bridge[0] == '\0')
        return NETWORK_ADDRESS_NONE;
    return network->zone && !network->zone->dhcp ? NETWORK_ADDRESS_CMDLINE : NETWORK_ADDRESS_DHCP;
}

static void check_address(struct vm_config *config, struct network_section *network)
{
    struct origin origin = place_of(network, "address");
    struct problems *problems = &config->problems;

    if (!network_says(network, "address")) {
        network->address = default_address(network);
        return;
    }
    if (network->address == NETWORK_ADDRESS_NONE)
        return;
    if (!network_says(network, "ipv4"))
        problems_add(problems, origin,
                     "there is no address to hand over; add ipv4 = ADDRESS/PREFIX%s",
                     network->zone_name[0] != '\0' ? ", or ipv4 = auto" : "");
    else if (network->address == NETWORK_ADDRESS_DHCP && network->zone && !network->zone->dhcp)
        problems_add(problems, origin,
                     "zone '%s' has no DHCP (%s); use address = cmdline, or leave it out",
                     network->zone->name, network->zone->source->path);
    else if (network->address == NETWORK_ADDRESS_DHCP && network->bridge[0] == '\0' &&
             network->zone_name[0] == '\0')
        problems_add(problems, origin,
                     "address = dhcp needs a bridge with a DHCP server; add bridge = NAME or "
                     "zone = NAME, or use address = cmdline");
}

static void check_port(struct vm_config *config, const struct network_section *network)
{
    if (network->tap[0] != '\0' && strcmp(network->tap, network->bridge) == 0)
        problems_add(&config->problems, place_of(network, "tap"),
                     "the TAP and its bridge have the same name, %s", network->tap);
    if (network->isolated && network->bridge[0] == '\0' && network->zone_name[0] == '\0')
        problems_add(&config->problems, place_of(network, "isolated"),
                     "isolated = yes is about the other ports of a bridge; add bridge = NAME or "
                     "zone = NAME");
}

/* What the filter on the TAP has seen must be what the bridge gets; with vhost the guest can have
 * the host's kernel write into a frame after that (struct virtio_net_hdr, NEEDS_CSUM). */
static void settle_antispoof(struct vm_config *config, struct network_section *network)
{
    if (!network->antispoof)
        return;
    if (network->vhost && network_says(network, "vhost"))
        problems_add(&config->problems, place_of(network, "vhost"),
                     "vhost = yes lets the guest go around antispoof = yes; leave one of them out");
    network->vhost = false;
}

/* A TAP cannot be what another interface is a port of. */
static void check_bridges(struct vm_config *config)
{
    for (size_t i = 0; i < config->networks_count; i++)
        for (size_t j = 0; j < config->networks_count; j++) {
            const struct network_section *tap = config->networks[i], *bridge = config->networks[j];

            if (i == j || tap->tap[0] == '\0' || strcmp(tap->tap, bridge->bridge) != 0)
                continue;
            problems_add(&config->problems, place_of(tap, "tap"),
                         "tap %s is also the bridge of [network %s], line %u", tap->tap,
                         bridge->section.id,
                         place_of(bridge, bridge->zone ? "zone" : "bridge").line);
        }
}

/* The VMM's command line has an end, and volt-net fills in the addresses after the last check. */
static void check_command_line(struct vm_config *config)
{
    size_t words = 0, length = config->vm.cmdline ? strlen(config->vm.cmdline) : 0;

    for (size_t i = 0; i < config->networks_count; i++)
        words += config->networks[i]->address == NETWORK_ADDRESS_CMDLINE;
    if (words > 0 && length + words * IP_WORD_MAX > CMDLINE_LENGTH_MAX)
        problems_add(
            &config->problems, config->vm.section.set[schema_find(SECTION_VM, "cmdline") - schema],
            "cmdline has %zu bytes, and address = cmdline may add %zu; at most %d together", length,
            words * IP_WORD_MAX, CMDLINE_LENGTH_MAX);
}

int vm_config_finish_networks(struct vm_config *config, struct zones *zones)
{
    for (size_t i = 0; i < config->networks_count; i++) {
        struct network_section *network = config->networks[i];
        int r = enter_zone(config, network, zones);

        if (r < 0)
            return r;
        check_port(config, network);
        check_ipv4(config, network);
        check_address(config, network);
        settle_antispoof(config, network);
        derive_network(config, i);
    }
    check_bridges(config);
    check_command_line(config);
    return 0;
}
