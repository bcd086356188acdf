// SPDX-License-Identifier: LGPL-2.1-or-later
/* The nftables rules on a VM's TAPs (nft(8)): what the guest may send, and how fast. */
#include "generator/filter-text.h"

#include <inttypes.h>

#define BYTES_PER_MBIT 125000
#define BURST_MIN      262144 /* four packets of 64 KiB */
#define BURST_PER_SEC  50     /* 20 ms of the rate */

bool filter_is_needed(const struct nic *nic)
{
    return nic->antispoof || nic->rate > 0;
}

uint32_t filter_burst(unsigned rate)
{
    uint64_t burst = (uint64_t)rate * BYTES_PER_MBIT / BURST_PER_SEC;

    return burst < BURST_MIN ? BURST_MIN : (uint32_t)burst;
}

uint32_t filter_backlog(unsigned rate)
{
    return (uint32_t)((uint64_t)rate * BYTES_PER_MBIT * FILTER_LATENCY_MS / 1000 +
                      filter_burst(rate));
}

static void write_arp(FILE *f, const struct nic *nic, const char *mac, const char *address)
{
    fprintf(f, "        ether type arp arp saddr ether != %s drop\n", mac);
    /* 0.0.0.0 asks whether an address is free (RFC 5227). */
    if (nic->ipv4)
        fprintf(f, "        ether type arp arp saddr ip { 0.0.0.0, %s } accept\n", address);
    else
        fputs("        ether type arp accept\n", f);
}

static void write_ipv4(FILE *f, const struct nic *nic, const char *address)
{
    const uint8_t *mac = nic->mac;

    fputs("        ether type ip udp sport 67 drop\n", f); /* a DHCP server */
    /* A lease is the client's that the request names (chaddr, RFC 2131), whoever sends it. */
    fprintf(f, "        ether type ip udp dport 67 @th,288,48 != 0x%02x%02x%02x%02x%02x%02x drop\n",
            mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    fputs("        ether type ip ip protocol igmp @th,0,8 0x11 drop\n", f); /* a querier */
    if (nic->ipv4)
        fprintf(f,
                "        ether type ip ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept\n"
                "        ether type ip ip saddr %s accept\n",
                address);
    else
        fputs("        ether type ip accept\n", f);
}

/* Volt gives no IPv6 addresses, so the guest's own are those that it makes from its MAC (RFC 4291,
 * appendix A): no other machine has an address with this lower half. Neighbour advertisements are
 * to IPv6 what ARP is to IPv4: what they tell about is in their target, from byte 8 on. */
static void write_ipv6(FILE *f, const uint8_t mac[6])
{
    unsigned high = (unsigned)((mac[0] ^ 2) << 8 | mac[1]), middle = (unsigned)(mac[2] << 8 | 0xff),
             low = (unsigned)(0xfe << 8 | mac[3]), last = (unsigned)(mac[4] << 8 | mac[5]);

    fprintf(f,
            "        ether type ip6 icmpv6 type"
            " { nd-router-advert, nd-redirect, mld-listener-query } drop\n"
            "        ether type ip6 udp sport 547 drop\n"
            "        ether type ip6 icmpv6 type nd-neighbor-advert"
            " @th,128,64 != 0x%04x%04x%04x%04x drop\n"
            "        ether type ip6 ip6 saddr :: icmpv6 type nd-neighbor-solicit"
            " @th,128,64 != 0x%04x%04x%04x%04x drop\n"
            "        ether type ip6 ip6 saddr & ::ffff:ffff:ffff:ffff == ::%x:%x:%x:%x accept\n"
            "        ether type ip6 ip6 saddr :: icmpv6 type"
            " { nd-neighbor-solicit, nd-router-solicit, mld2-listener-report } accept\n",
            high, middle, low, last, high, middle, low, last, high, middle, low, last);
}

static void write_chain(FILE *f, const struct nic *nic)
{
    char mac[MAC_TEXT_SIZE], address[IPV4_TEXT_SIZE];

    fprintf(f,
            "    chain nic-%s {\n"
            "        type filter hook ingress device \"%s\" priority -500; policy %s;\n",
            nic->id, nic->tap, nic->antispoof ? "drop" : "accept");
    if (nic->rate > 0)
        fprintf(f,
                "        limit rate over %" PRIu64 " bytes/second burst %" PRIu32 " bytes drop\n",
                (uint64_t)nic->rate * BYTES_PER_MBIT, filter_burst(nic->rate));
    if (nic->antispoof) {
        (void)mac_text(nic->mac, mac);
        (void)ipv4_text(nic->ipv4, address);
        fprintf(f, "        ether saddr != %s drop\n", mac);
        write_arp(f, nic, mac, address);
        write_ipv4(f, nic, address);
        write_ipv6(f, nic->mac);
    }
    fputs("    }\n", f);
}

void filter_text_delete(FILE *f, const char *uuid)
{
    fprintf(f,
            "table netdev volt-%s\n"
            "delete table netdev volt-%s\n",
            uuid, uuid);
}

void filter_text_add(FILE *f, const char *uuid, const struct nic *nics, size_t n)
{
    filter_text_delete(f, uuid);
    fprintf(f, "table netdev volt-%s {\n", uuid);
    for (size_t i = 0; i < n; i++)
        if (filter_is_needed(&nics[i]))
            write_chain(f, &nics[i]);
    fputs("}\n", f);
}
