// SPDX-License-Identifier: LGPL-2.1-or-later
/* One network interface of a VM as volt-net is told it, and the checks of names that come with it.
 */
#include "generator/nic.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define HEX    DIGITS "abcdefABCDEF"

static int complain(char **ret_error, int r, const char *format, ...) _printf_(3, 4);

static int complain(char **ret_error, int r, const char *format, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    va_end(ap);
    if (!text)
        return -ENOMEM;
    *ret_error = text;
    return r;
}

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
    if (length > 9)
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

static int parse_mode(const char *value, struct nic *nic)
{
    if (!strcmp(value, "networkd"))
        nic->mode = NIC_MODE_NETWORKD;
    else if (!strcmp(value, "direct"))
        nic->mode = NIC_MODE_DIRECT;
    else
        return -EINVAL;
    return 0;
}

static int copy_ifname(const char *value, char ret[IFNAMSIZ])
{
    if (!ifname_is_valid(value))
        return -EINVAL;
    (void)snprintf(ret, IFNAMSIZ, "%s", value);
    return 0;
}

static int parse_tap(const char *value, struct nic *nic)
{
    return copy_ifname(value, nic->tap);
}

static int parse_bridge(const char *value, struct nic *nic)
{
    return copy_ifname(value, nic->bridge);
}

static int parse_mtu(const char *value, struct nic *nic)
{
    return number_parse(value, NIC_MTU_MIN, NIC_MTU_MAX, &nic->mtu);
}

static int parse_queues(const char *value, struct nic *nic)
{
    return number_parse(value, 1, NIC_QUEUES_MAX, &nic->queues);
}

static int parse_vhost(const char *value, struct nic *nic)
{
    nic->vhost = !strcmp(value, "yes");
    return nic->vhost || !strcmp(value, "no") ? 0 : -EINVAL;
}

static int parse_mac(const char *value, struct nic *nic)
{
    nic->has_mac = true;
    return mac_parse(value, nic->mac);
}

/* The guest's address is carried for the reader of the command line; only its form is checked. */
static int parse_ipv4(const char *value, struct nic *nic _unused_)
{
    char address[INET_ADDRSTRLEN];
    struct in_addr in;
    const char *slash = strchr(value, '/');
    size_t length = slash ? (size_t)(slash - value) : strlen(value);
    unsigned prefix;

    if (length >= sizeof(address))
        return -EINVAL;
    (void)snprintf(address, sizeof(address), "%.*s", (int)length, value);
    if (inet_pton(AF_INET, address, &in) != 1)
        return -EINVAL;
    return slash ? number_parse(slash + 1, 0, 32, &prefix) : 0;
}

static const struct {
    const char *key;
    int (*parse)(const char *value, struct nic *nic);
    const char *expected;
} keys[] = {
    {"mode", parse_mode, "networkd or direct"},
    {"tap", parse_tap, "an interface name of at most 15 characters"},
    {"bridge", parse_bridge, "an interface name of at most 15 characters"},
    {"mtu", parse_mtu, "a number from 68 to 65521"},
    {"queues", parse_queues, "a number from 1 to 64"},
    {"vhost", parse_vhost, "yes or no"},
    {"mac", parse_mac, "a unicast address like 52:54:00:12:34:56"},
    {"ipv4", parse_ipv4, "an address like 10.42.0.10/24"},
};

static int parse_pair(char *pair, struct nic *nic, unsigned *seen, char **ret_error)
{
    char *value = strchr(pair, '=');

    if (!value)
        return complain(ret_error, -EINVAL, "'%s' is not key=value", pair);
    *value++ = '\0';
    for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
        if (strcmp(pair, keys[i].key))
            continue;
        if (*seen & (1U << i))
            return complain(ret_error, -EINVAL, "%s= is given twice", pair);
        *seen |= 1U << i;
        if (keys[i].parse(value, nic) < 0)
            return complain(ret_error, -EINVAL, "%s=%s: expected %s", pair, value,
                            keys[i].expected);
        return 0;
    }
    return complain(ret_error, -EINVAL, "unknown key %s=", pair);
}

int nic_parse(const char *text, struct nic *ret, char **ret_error)
{
    _cleanup_free_ char *copy = strdup(text);
    struct nic nic = {.queues = 1};
    unsigned seen = 0;
    char *rest = copy, *part;
    int r;

    if (!copy)
        return -ENOMEM;
    part = strsep(&rest, ",");
    if (!nic_id_is_valid(part))
        return complain(ret_error, -EINVAL, "'%s' is not an id: expected 1 to 15 of a-z 0-9 _ -",
                        part);
    (void)snprintf(nic.id, sizeof(nic.id), "%s", part);
    while ((part = strsep(&rest, ","))) {
        r = parse_pair(part, &nic, &seen, ret_error);
        if (r < 0)
            return r;
    }
    if (!nic.tap[0])
        return complain(ret_error, -EINVAL, "tap= is missing");
    if (!strcmp(nic.tap, nic.bridge))
        return complain(ret_error, -EINVAL, "tap= and bridge= are the same");
    *ret = nic;
    return 0;
}

int nic_check_all(const struct nic *nics, size_t n, char **ret_error)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            if (j < i && !strcmp(nics[i].id, nics[j].id))
                return complain(ret_error, -EEXIST, "two interfaces have the id %s", nics[i].id);
            if (j < i && !strcmp(nics[i].tap, nics[j].tap))
                return complain(ret_error, -EEXIST, "%s and %s both ask for the TAP %s", nics[j].id,
                                nics[i].id, nics[i].tap);
            if (!strcmp(nics[i].bridge, nics[j].tap))
                return complain(ret_error, -EEXIST, "%s is the bridge of %s and the TAP of %s",
                                nics[j].tap, nics[i].id, nics[j].id);
        }
    return 0;
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
