/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's interfaces as text for systemd. No part of an argument can have a comma: the parsers see
 * to it. */
#include "generator/unit-nic.h"

#include <arpa/inet.h>

#include "generator/unit-escape.h"
#include "generator/unit-kernel.h"
#include "generator/unit-vsock.h"

#define VARIABLE_SIZE sizeof("VOLT_MAC_18446744073709551615")

/* The variable with the MAC of the interface INDEX; "" where the MAC is configured. */
static void name_mac_variable(const struct network_section *network, size_t index,
                              char variable[static VARIABLE_SIZE])
{
    variable[0] = '\0';
    if (!network_says(network, "mac"))
        (void)snprintf(variable, VARIABLE_SIZE, "VOLT_MAC_%zu", index);
}

static const char *mode_word(const struct network_section *network)
{
    return network->mode == NETWORK_MODE_DIRECT ? "direct" : "networkd";
}

bool unit_has_cmdline_address(const struct vm_config *config)
{
    for (size_t i = 0; i < config->networks_count; i++)
        if (config->networks[i]->address == NETWORK_ADDRESS_CMDLINE)
            return true;
    return false;
}

size_t unit_count_nic_tasks(const struct vm_config *config)
{
    size_t tasks = 0;

    for (size_t i = 0; i < config->networks_count; i++)
        tasks += config->networks[i]->multiqueue * (config->networks[i]->vhost ? 2u : 1u);
    return tasks;
}

void unit_write_variables(FILE *f, const struct vm_config *config)
{
    bool any = unit_has_cmdline_address(config);

    for (size_t i = 0; i < config->networks_count; i++)
        any = any || !network_says(config->networks[i], "mac");
    if (!any && !unit_has_vsock(config) && !unit_has_managed_kernel(config))
        return;
    if (any)
        (void)fputs(
            "\n# What volt-net has the last word on: MACs that nobody wrote down, addresses\n", f);
    else
        (void)fprintf(f, "\n# What volt-open has the last word on: %s%s%s\n",
                      unit_has_vsock(config) ? "the CID" : "",
                      unit_has_vsock(config) && unit_has_managed_kernel(config) ? ", " : "",
                      unit_has_managed_kernel(config) ? "the kernel's own command line" : "");
    for (size_t i = 0; i < config->networks_count; i++) {
        char mac[MAC_TEXT_SIZE], variable[VARIABLE_SIZE];

        mac_format(&config->networks[i]->mac, mac);
        name_mac_variable(config->networks[i], i, variable);
        if (variable[0] != '\0')
            (void)fprintf(f, "Environment=%s=%s\n", variable, mac);
    }
    (void)fprintf(f, "EnvironmentFile=-/run/volt/vm/%s/environment\n", config->vm.uuid);
}

static void format_ipv4(const struct network_section *network, char text[static INET_ADDRSTRLEN])
{
    if (network->ipv4.automatic)
        (void)snprintf(text, INET_ADDRSTRLEN, "auto");
    else
        ipv4_format(ntohl(network->ipv4.address.s_addr), text);
}

static void write_address_comment(FILE *f, const struct network_section *network)
{
    static const char *const ways[] = {
        [NETWORK_ADDRESS_DHCP] = "by DHCP",
        [NETWORK_ADDRESS_CMDLINE] = "on the kernel's command line",
        [NETWORK_ADDRESS_NONE] = "which the guest knows by itself",
    };
    char text[INET_ADDRSTRLEN];

    if (network->ipv4.prefix == 0)
        return;
    format_ipv4(network, text);
    if (network->ipv4.automatic)
        (void)fprintf(f, "; the first free address, %s", ways[network->address]);
    else
        (void)fprintf(f, "; %s/%u, %s", text, network->ipv4.prefix, ways[network->address]);
}

void unit_write_nic_comments(FILE *f, const struct vm_config *config)
{
    for (size_t i = 0; i < config->networks_count; i++) {
        const struct network_section *network = config->networks[i];

        (void)fprintf(f, "#   %s: %s%s%s", network->section.id, network->tap,
                      network->bridge[0] != '\0' ? " on " : "", network->bridge);
        if (network->zone)
            (void)fprintf(f, ", zone %s", network->zone->name);
        write_address_comment(f, network);
        (void)fprintf(f, "; %u queue pair%s%s", network->multiqueue,
                      network->multiqueue == 1 ? "" : "s", network->vhost ? " by vhost" : "");
        if (network->rate_mbit > 0)
            (void)fprintf(f, "; at most %u Mbit/s", network->rate_mbit);
        (void)fprintf(f, "%s%s\n", network->isolated ? "; isolated" : "",
                      network->antispoof ? "; no foreign addresses" : "");
    }
}

static void write_zone(FILE *f, const struct network_section *network)
{
    const struct zone *zone = network->zone;
    char text[INET_ADDRSTRLEN];

    if (zone)
        (void)fprintf(f, ",zone=%s", zone->name);
    if (network->ipv4.prefix > 0) {
        format_ipv4(network, text);
        (void)fprintf(f, ",ipv4=%s/%u", text, network->ipv4.prefix);
    }
    if (zone && network->ipv4.automatic)
        (void)fprintf(f, ",pool=%s", zone->pool ? zone->pool : "");
    if (zone && zone->gateway.s_addr != 0) {
        ipv4_format(ntohl(zone->gateway.s_addr), text);
        (void)fprintf(f, ",gateway=%s", text);
    }
    for (size_t i = 0; zone && i < zone->dns.count; i++) {
        ipv4_format(ntohl(zone->dns.items[i].s_addr), text);
        (void)fprintf(f, "%s%s", i == 0 ? ",dns=" : "+", text);
    }
}

static void write_nic(FILE *f, const struct network_section *network)
{
    char mac[MAC_TEXT_SIZE];

    (void)fprintf(f, "--nic=%s,mode=%s,tap=%s", network->section.id, mode_word(network),
                  network->tap);
    if (network->bridge[0] != '\0')
        (void)fprintf(f, ",bridge=%s", network->bridge);
    if (network->mtu > 0)
        (void)fprintf(f, ",mtu=%u", network->mtu);
    mac_format(&network->mac, mac);
    (void)fprintf(f, ",queues=%u,%smac=%s", network->multiqueue,
                  network_says(network, "mac") ? "" : "derived-", mac);
    write_zone(f, network);
    if (network->address != NETWORK_ADDRESS_NONE)
        (void)fprintf(f, ",address=%s",
                      network->address == NETWORK_ADDRESS_DHCP ? "dhcp" : "cmdline");
    if (network->isolated)
        (void)fputs(",isolated=yes", f);
    if (network->antispoof)
        (void)fputs(",antispoof=yes", f);
    if (network->rate_mbit > 0)
        (void)fprintf(f, ",rate=%u", network->rate_mbit);
}

void unit_write_nics(FILE *f, const struct vm_config *config)
{
    for (size_t i = 0; i < config->networks_count; i++) {
        (void)fputs(" \\\n    ", f);
        write_nic(f, config->networks[i]); /* nothing in it means anything to systemd */
    }
}

void unit_write_vhost_files(FILE *f, const struct vm_config *config)
{
    for (size_t i = 0; i < config->networks_count; i++)
        for (unsigned queue = 0; queue < config->networks[i]->multiqueue; queue++)
            if (config->networks[i]->vhost)
                unit_write_argument(f, "--try-read-write=vhost.%s.%u=/dev/vhost-net",
                                    config->networks[i]->section.id, queue);
}

static void write_net(FILE *f, const struct network_section *network, size_t index)
{
    const char *id = network->section.id;
    char text[256], mac[MAC_TEXT_SIZE], variable[VARIABLE_SIZE],
        mtu[sizeof(",mtu=4294967295")] = "";
    char vhost[sizeof(",vhost=fd:vhost.") + ID_LENGTH_MAX] = "";

    if (network->mtu > 0)
        (void)snprintf(mtu, sizeof(mtu), ",mtu=%u", network->mtu);
    if (network->vhost)
        (void)snprintf(vhost, sizeof(vhost), ",vhost=fd:vhost.%s", id);
    (void)snprintf(text, sizeof(text), "--net=%s,tap=fd:net.%s%s,queues=%u%s%s,mac=", id, id, mtu,
                   network->multiqueue, network->antispoof ? ",offloads=no" : "", vhost);
    mac_format(&network->mac, mac);
    name_mac_variable(network, index, variable);
    if (variable[0] != '\0')
        unit_write_argument_and(f, variable, "%s", text);
    else
        unit_write_argument(f, "%s%s", text, mac);
}

void unit_write_nets(FILE *f, const struct vm_config *config)
{
    for (size_t i = 0; i < config->networks_count; i++)
        write_net(f, config->networks[i], i);
}
