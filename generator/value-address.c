/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values that stand in an INI file: MAC and IPv4 addresses. */
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

/* Why a guest cannot have the address; NULL if it can. */
static const char *why_no_host(uint32_t address, unsigned prefix)
{
    uint32_t hosts = prefix < 31 ? ~(uint32_t)0 >> prefix : 0;

    if (address >> 24 == 0 || address >> 24 == 127 || address >> 28 >= 0xe)
        return "a guest cannot have an address of this range";
    if (hosts && (address & hosts) == 0)
        return "it is the network's address, not a guest's";
    if (hosts && (address & hosts) == hosts)
        return "it is the broadcast address";
    return NULL;
}

int parse_ipv4(const char *text, _unused_ const struct value_rule *rule, void *place,
               const char **ret_reason)
{
    char address[INET_ADDRSTRLEN] = "";
    struct ipv4_address ipv4;
    const char *slash = strchr(text, '/');
    size_t digits;

    if (!slash) {
        *ret_reason = "there is no /PREFIX at its end";
        return -EINVAL;
    }
    if ((size_t)(slash - text) >= sizeof(address))
        return -EINVAL;
    memcpy(address, text, (size_t)(slash - text));
    if (inet_pton(AF_INET, address, &ipv4.address) != 1)
        return -EINVAL;
    digits = strspn(slash + 1, "0123456789");
    if (digits < 1 || digits > 2 || slash[1 + digits] != '\0')
        return -EINVAL;
    ipv4.prefix = (unsigned)strtoul(slash + 1, NULL, 10);
    if (ipv4.prefix < 1 || ipv4.prefix > 32) {
        *ret_reason = "the prefix must be from 1 to 32";
        return -EINVAL;
    }
    *ret_reason = why_no_host(ntohl(ipv4.address.s_addr), ipv4.prefix);
    if (*ret_reason)
        return -EINVAL;
    memcpy(place, &ipv4, sizeof(ipv4));
    return 0;
}
