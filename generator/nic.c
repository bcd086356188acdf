// SPDX-License-Identifier: LGPL-2.1-or-later
/* One network interface of a VM as volt-net is told it, and the checks of names that come with it.
 */
#include "generator/nic.h"

#include <arpa/inet.h>
#include <string.h>

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define HEX    DIGITS "abcdefABCDEF"

bool uuid_is_valid(const char *uuid)
{
    if (strlen(uuid) != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? uuid[i] != '-' : !strchr(HEX, uuid[i]))
            return false;
    }
    return true;
}

bool nic_id_is_valid(const char *id)
{
    size_t length = strlen(id);

    return length > 0 && length < NIC_ID_SIZE && strspn(id, LOWER DIGITS "_-") == length;
}

bool ifname_is_valid(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length < IFNAMSIZ && strspn(name, LOWER UPPER DIGITS "._-") == length &&
           strspn(name, DIGITS) != length && strcmp(name, ".") && strcmp(name, "..") &&
           strcmp(name, "all") && strcmp(name, "default");
}

int number_parse(const char *text, unsigned min, unsigned max, unsigned *ret)
{
    size_t length = strlen(text);
    unsigned long value;

    if (length == 0 || strspn(text, DIGITS) != length)
        return -EINVAL;
    if (length > 18)
        return -ERANGE;
    value = strtoul(text, NULL, 10);
    if (value < min || value > max)
        return -ERANGE;
    *ret = (unsigned)value;
    return 0;
}

int mac_parse(const char *text, uint8_t ret[6])
{
    uint8_t mac[6];

    if (strlen(text) != 17)
        return -EINVAL;
    for (size_t i = 0; i < 6; i++) {
        const char byte[3] = {text[3 * i], text[3 * i + 1], '\0'};

        if (strspn(byte, HEX) != 2 || (i < 5 && text[3 * i + 2] != ':'))
            return -EINVAL;
        mac[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
    if ((mac[0] & 1) || !memcmp(mac, (const uint8_t[6]){0}, 6))
        return -EINVAL;
    memcpy(ret, mac, 6);
    return 0;
}

int ipv4_parse(const char *text, uint32_t *ret)
{
    struct in_addr in;

    if (inet_pton(AF_INET, text, &in) != 1)
        return -EINVAL;
    *ret = ntohl(in.s_addr);
    return 0;
}

const char *mac_text(const uint8_t mac[6], char buffer[MAC_TEXT_SIZE])
{
    (void)snprintf(buffer, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                   mac[3], mac[4], mac[5]);
    return buffer;
}

const char *ipv4_text(uint32_t address, char buffer[IPV4_TEXT_SIZE])
{
    (void)snprintf(buffer, IPV4_TEXT_SIZE, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff,
                   address >> 8 & 0xff, address & 0xff);
    return buffer;
}

int nic_pool_next(const char **pool, uint32_t *ret_first, uint32_t *ret_last)
{
    size_t length = strcspn(*pool, "+,");
    char range[2 * IPV4_TEXT_SIZE], *dash;
    uint32_t first, last;

    if (length == 0)
        return **pool == '+' ? -EINVAL : 0;
    if (length >= sizeof(range))
        return -EINVAL;
    memcpy(range, *pool, length);
    range[length] = '\0';
    dash = strchr(range, '-');
    if (dash)
        *dash++ = '\0';
    if (ipv4_parse(range, &first) < 0 || ipv4_parse(dash ? dash : range, &last) < 0 || last < first)
        return -EINVAL;
    *pool += length;
    if (**pool == '+' && (*pool)[1] != '\0' && (*pool)[1] != ',')
        (*pool)++;
    *ret_first = first;
    *ret_last = last;
    return 1;
}

bool nic_tap_is_derived(const char *tap, const char *uuid)
{
    const char *rest;
    char stem[sizeof("tap-") + 8];

    (void)snprintf(stem, sizeof(stem), "tap-%.8s", uuid);
    if (strncasecmp(tap, stem, strlen(stem)))
        return false;
    rest = tap + strlen(stem);
    return !*rest || (*rest == '-' && rest[1] && strspn(rest + 1, DIGITS) == strlen(rest + 1));
}

void nic_fdname(const struct nic *nic, unsigned queue, char ret[NIC_FDNAME_SIZE])
{
    (void)snprintf(ret, NIC_FDNAME_SIZE, "net.%s.%u", nic->id, queue);
}
