/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What holds for a zone whatever its file says, and for the VMs in it. */
#pragma once

#include "tests/fuzz/input.h"

#include <arpa/inet.h>

#include "generator/address-pool.h"

/* A zone that has no problem is one that VMs can be in. */
static inline void zone_check(const struct zone *zone)
{
    struct ipv4_range subnet = ipv4_subnet_range(&zone->subnet);
    uint32_t gateway = ntohl(zone->gateway.s_addr);

    MUST(zone->bridge[0] != '\0' && zone->subnet.prefix >= 4 && zone->subnet.prefix <= 30);
    MUST(gateway == 0 || (gateway > subnet.first && gateway < subnet.last));
    MUST(!zone->dhcp || zone->dhcp_range.last != 0);
    if (zone->dhcp_range.last != 0)
        MUST(zone->dhcp_range.first > subnet.first && zone->dhcp_range.last < subnet.last &&
             !ipv4_range_has(&zone->dhcp_range, gateway));
    if (zone->reserved.last != 0)
        MUST(zone->reserved.first > subnet.first && zone->reserved.last < subnet.last &&
             zone->reserved.first <= zone->reserved.last &&
             !ipv4_range_has(&zone->reserved, zone->dhcp_range.first) &&
             !ipv4_range_has(&zone->dhcp_range, zone->reserved.first));
}

/* Reads the bytes by READ, and puts a VM into what comes of it. */
static inline int zone_fuzz(const uint8_t *data, size_t size,
                            int (*read)(struct zone *zone, const char *text, size_t size))
{
    static const char vm[] = "[vm]\nuuid=6ba7b810-9dad-11d1-80b4-00c04fd430c8\nkernel=k\n"
                             "[network a]\nzone=default\nipv4=auto\n"
                             "[network b]\nzone=default\nipv4=10.42.0.10/24\n";
    struct zones zones = {.root = "/nonexistent", .items = calloc(1, sizeof(struct zone *))};
    struct vm_config *config = NULL;

    MUST(zones.items && zone_new("default", "/etc/volt/zones/default", &zones.items[0]) == 0);
    zones.count = 1;
    MUST(vm_config_new("/etc/volt/vms/web.ini", "web.ini", &config) == 0);
    MUST(read(zones.items[0], (const char *)data, size) == 0);
    zone_finish(zones.items[0]);
    if (zones.items[0]->problems.count == 0)
        zone_check(zones.items[0]);
    for (size_t i = 0; i < zones.items[0]->problems.count; i++) {
        const char *text = zones.items[0]->problems.items[i].text, *end = text + strlen(text);

        for (; text < end; text += printable_length(text, end))
            MUST(printable_length(text, end) > 0);
    }
    MUST(vm_config_read(config, vm_config_source(config), vm, sizeof(vm) - 1) == 0);
    MUST(vm_config_finish(config, &zones) == 0 && pools_fill(&zones, &config, 1) == 0);
    MUST(config->problems.count > 0 ||
         (zones.items[0]->pool && zones.items[0]->pool[0] != '\0' &&
          strspn(zones.items[0]->pool, "0123456789.-+") == strlen(zones.items[0]->pool)));
    MUST((config->problems.count > 0) >= (zones.items[0]->problems.count > 0));
    vm_config_free(config);
    zones_done(&zones);
    return 0;
}
