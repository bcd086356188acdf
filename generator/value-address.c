/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values that stand in an INI file: MAC and IPv4 addresses, networks and ranges. */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "generator/value.h"

int parse_mac(const char *text, _unused_ const struct value_rule *rule, void *place,
              const char **ret_reason)
{
    static const struct mac_address zero;
    struct mac_address mac;

    if (strlen(text) != MAC_TEXT_SIZE - 1)
        return -EINVAL;
    for (size_t i = 0; i < MAC_TEXT_SIZE - 1; i++)
        if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
            return -EINVAL;
    for (size_t i = 0; i < 6; i++)
        mac.bytes[i] = (uint8_t)strtoul(text + 3 * i, NULL, 16);
    if (mac.bytes[0] & 1) {
        *ret_reason = "it is a multicast address";
        return -EINVAL;
    }
    if (memcmp(&mac, &zero, sizeof(mac)) == 0) {
        *ret_reason = "it is all zero";
        return -EINVAL;
    }
    memcpy(place, &mac, sizeof(mac));
    return 0;
}

void mac_format(const struct mac_address *mac, char text[static MAC_TEXT_SIZE])
{
    const uint8_t *b = mac->bytes;

    (void)snprintf(text, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3],
                   b[4], b[5]);
}

void ipv4_format(uint32_t address, char text[static INET_ADDRSTRLEN])
{
    (void)snprintf(text, INET_ADDRSTRLEN, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff,
                   address >> 8 & 0xff, address & 0xff);
}

/* The bits of an address that tell the hosts of one network apart. */
static uint32_t host_bits(unsigned prefix)
{
    return prefix < 32 ? UINT32_MAX >> prefix : 0;
}

struct ipv4_range ipv4_subnet_range(const struct ipv4_address *subnet)
{
    uint32_t first = ntohl(subnet->address.s_addr);

    return (struct ipv4_range){.first = first, .last = first | host_bits(subnet->prefix)};
}

/* Why no machine can have the address; NULL if one can. */
static const char *why_no_unicast(uint32_t address)
{
    if (address >> 24 == 0 || address >> 24 == 127 || address >> 28 >= 0xe)
        return "a guest cannot have an address of this range";
    return NULL;
}

/* Why a guest cannot have the address; NULL if it can. */
static const char *why_no_host(uint32_t address, unsigned prefix)
{
    uint32_t hosts = prefix < 31 ? host_bits(prefix) : 0;

    if (why_no_unicast(address))
        return why_no_unicast(address);
    if (hosts && (address & hosts) == 0)
        return "it is the network's address, not a guest's";
    if (hosts && (address & hosts) == hosts)
        return "it is the broadcast address";
    return NULL;
}

/* The address that is the first LENGTH characters of TEXT. */
static int read_address(const char *text, size_t length, struct in_addr *ret_address)
{
    char address[INET_ADDRSTRLEN] = "";

    if (length >= sizeof(address))
        return -EINVAL;
    memcpy(address, text, length);
    return inet_pton(AF_INET, address, ret_address) == 1 ? 0 : -EINVAL;
}

/* ADDRESS/PREFIX, whatever it may be. */
static int read_prefixed(const char *text, struct ipv4_address *ret_ipv4, const char **ret_reason)
{
    const char *slash = strchr(text, '/');
    struct ipv4_address ipv4 = {0};
    size_t digits;

    if (!slash) {
        *ret_reason = "there is no /PREFIX at its end";
        return -EINVAL;
    }
    if (read_address(text, (size_t)(slash - text), &ipv4.address) < 0)
        return -EINVAL;
    digits = strspn(slash + 1, "0123456789");
    if (digits < 1 || digits > 2 || slash[1 + digits] != '\0')
        return -EINVAL;
    ipv4.prefix = (unsigned)strtoul(slash + 1, NULL, 10);
    if (ipv4.prefix < 1 || ipv4.prefix > 32) {
        *ret_reason = "the prefix must be from 1 to 32";
        return -EINVAL;
    }
    *ret_ipv4 = ipv4;
    return 0;
}

int parse_ipv4(const char *text, _unused_ const struct value_rule *rule, void *place,
               const char **ret_reason)
{
    struct ipv4_address ipv4 = {.automatic = strcmp(text, "auto") == 0};
    int r = ipv4.automatic ? 0 : read_prefixed(text, &ipv4, ret_reason);

    if (r < 0)
        return r;
    *ret_reason = ipv4.automatic ? NULL : why_no_host(ntohl(ipv4.address.s_addr), ipv4.prefix);
    if (*ret_reason)
        return -EINVAL;
    memcpy(place, &ipv4, sizeof(ipv4));
    return 0;
}

int parse_subnet(const char *text, _unused_ const struct value_rule *rule, void *place,
                 const char **ret_reason)
{
    struct ipv4_address ipv4;
    int r = read_prefixed(text, &ipv4, ret_reason);

    if (r < 0)
        return r;
    *ret_reason = why_no_unicast(ntohl(ipv4.address.s_addr));
    if (ntohl(ipv4.address.s_addr) & host_bits(ipv4.prefix))
        *ret_reason = "it is an address in the network, not the network's; its last bits must be 0";
    else if (ipv4.prefix < 4 || ipv4.prefix > 30)
        *ret_reason = "the prefix of a network must be from 4 to 30";
    if (*ret_reason)
        return -EINVAL;
    memcpy(place, &ipv4, sizeof(ipv4));
    return 0;
}

static int read_host(const char *text, size_t length, struct in_addr *ret_address,
                     const char **ret_reason)
{
    struct in_addr address;

    if (read_address(text, length, &address) < 0) {
        *ret_reason = memchr(text, '/', length) ? "there is no prefix here" : NULL;
        return -EINVAL;
    }
    if (why_no_unicast(ntohl(address.s_addr))) {
        *ret_reason = "no machine has an address of this range";
        return -EINVAL;
    }
    *ret_address = address;
    return 0;
}

int parse_host(const char *text, _unused_ const struct value_rule *rule, void *place,
               const char **ret_reason)
{
    return read_host(text, strlen(text), place, ret_reason);
}

int parse_range(const char *text, _unused_ const struct value_rule *rule, void *place,
                const char **ret_reason)
{
    size_t length = strcspn(text, " \t-");
    const char *end = text + length + strspn(text + length, " \t");
    struct in_addr first, last;
    struct ipv4_range range;

    if (*end != '-') {
        *ret_reason = "there is no '-' between two addresses";
        return -EINVAL;
    }
    end += 1 + strspn(end + 1, " \t");
    if (read_host(text, length, &first, ret_reason) < 0 ||
        read_host(end, strlen(end), &last, ret_reason) < 0)
        return -EINVAL;
    range = (struct ipv4_range){.first = ntohl(first.s_addr), .last = ntohl(last.s_addr)};
    if (range.first > range.last) {
        *ret_reason = "its end comes before its beginning";
        return -EINVAL;
    }
    memcpy(place, &range, sizeof(range));
    return 0;
}

int parse_hosts(const char *text, _unused_ const struct value_rule *rule, void *place,
                const char **ret_reason)
{
    struct ipv4_list list = {0};

    while (*text) {
        size_t length = strcspn(text, " \t");

        if (list.count == ADDRESSES_MAX) {
            *ret_reason = "there are too many";
            return -EINVAL;
        }
        if (read_host(text, length, &list.items[list.count], ret_reason) < 0)
            return -EINVAL;
        list.count++;
        text += length;
        text += strspn(text, " \t");
    }
    memcpy(place, &list, sizeof(list));
    return 0;
}
