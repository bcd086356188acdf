// SPDX-License-Identifier: LGPL-2.1-or-later
/* The argument of volt-net's --nic. */
#include "generator/nic.h"

#include <stdarg.h>
#include <string.h>

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

static int parse_mac(const char *value, struct nic *nic)
{
    nic->has_mac = true;
    return mac_parse(value, nic->mac);
}

static int parse_derived_mac(const char *value, struct nic *nic)
{
    nic->mac_is_derived = true;
    return parse_mac(value, nic);
}

/* It becomes part of a path. */
static int parse_zone(const char *value, struct nic *nic)
{
    size_t length = strlen(value);

    if (length == 0 || length >= sizeof(nic->zone) || value[0] == '.' ||
        strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") !=
            length)
        return -EINVAL;
    memcpy(nic->zone, value, length + 1);
    return 0;
}

static int parse_ipv4(const char *value, struct nic *nic)
{
    char address[IPV4_TEXT_SIZE];
    const char *slash = strchr(value, '/');
    size_t length = slash ? (size_t)(slash - value) : 0;

    if (!slash || length >= sizeof(address) || number_parse(slash + 1, 0, 32, &nic->prefix) < 0)
        return -EINVAL;
    memcpy(address, value, length);
    address[length] = '\0';
    nic->ipv4_is_auto = !strcmp(address, "auto");
    if (nic->ipv4_is_auto)
        return 0;
    return ipv4_parse(address, &nic->ipv4) < 0 || nic->ipv4 == 0 ? -EINVAL : 0;
}

static int parse_pool(const char *value, struct nic *nic _unused_)
{
    uint32_t first, last;
    int r;

    while ((r = nic_pool_next(&value, &first, &last)) > 0)
        ;
    return r < 0 || *value ? -EINVAL : 0;
}

static int parse_gateway(const char *value, struct nic *nic)
{
    return ipv4_parse(value, &nic->gateway);
}

static int parse_dns(const char *value, struct nic *nic)
{
    uint32_t first, last;
    int r;

    while ((r = nic_pool_next(&value, &first, &last)) > 0) {
        if (first != last || nic->dns_count == NIC_DNS_MAX)
            return -EINVAL;
        nic->dns[nic->dns_count++] = first;
    }
    return r < 0 || *value ? -EINVAL : 0;
}

static int parse_address(const char *value, struct nic *nic)
{
    if (!strcmp(value, "dhcp"))
        nic->address = NIC_ADDRESS_DHCP;
    else if (!strcmp(value, "cmdline"))
        nic->address = NIC_ADDRESS_CMDLINE;
    else if (!strcmp(value, "none"))
        nic->address = NIC_ADDRESS_NONE;
    else
        return -EINVAL;
    return 0;
}

static int parse_flag(const char *value, bool *ret)
{
    *ret = !strcmp(value, "yes");
    return *ret || !strcmp(value, "no") ? 0 : -EINVAL;
}

static int parse_isolated(const char *value, struct nic *nic)
{
    return parse_flag(value, &nic->isolated);
}

static int parse_antispoof(const char *value, struct nic *nic)
{
    return parse_flag(value, &nic->antispoof);
}

static int parse_rate(const char *value, struct nic *nic)
{
    return number_parse(value, 1, NIC_RATE_MAX, &nic->rate);
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
    {"mac", parse_mac, "a unicast address like 52:54:00:12:34:56"},
    {"derived-mac", parse_derived_mac, "a unicast address like 52:54:00:12:34:56"},
    {"zone", parse_zone, "a name of at most 63 of A-Z a-z 0-9 _ . -"},
    {"ipv4", parse_ipv4, "an address like 10.42.0.10/24, or auto/24"},
    {"pool", parse_pool, "addresses like 10.42.0.2-10.42.0.9+10.42.0.20"},
    {"gateway", parse_gateway, "an address like 10.42.0.1"},
    {"dns", parse_dns, "up to 16 addresses with + between"},
    {"address", parse_address, "dhcp, cmdline or none"},
    {"isolated", parse_isolated, "yes or no"},
    {"antispoof", parse_antispoof, "yes or no"},
    {"rate", parse_rate, "Mbit/s, a number from 1 to 100000"},
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

/* What is wrong between the keys, or NULL. */
static const char *find_contradiction(const struct nic *nic, bool has_both_macs)
{
    if (!nic->tap[0])
        return "tap= is missing";
    if (!strcmp(nic->tap, nic->bridge))
        return "tap= and bridge= are the same";
    if (has_both_macs)
        return "mac= and derived-mac= exclude each other";
    if (nic->ipv4_is_auto && (!nic->pool || !nic->zone[0]))
        return "ipv4=auto needs zone= and pool=";
    if (nic->pool && !nic->ipv4_is_auto)
        return "pool= is of use with ipv4=auto only";
    if (nic->address != NIC_ADDRESS_NONE && !nic->ipv4 && !nic->ipv4_is_auto)
        return "address= needs ipv4=";
    if (nic->address == NIC_ADDRESS_DHCP && (!nic->has_mac || !nic->bridge[0]))
        return "address=dhcp needs bridge= and mac= or derived-mac=";
    if (nic->antispoof && !nic->has_mac)
        return "antispoof=yes needs mac= or derived-mac=";
    if (nic->isolated && !nic->bridge[0])
        return "isolated=yes needs bridge=";
    return NULL;
}

int nic_parse(const char *text, struct nic *ret, char **ret_error)
{
    _cleanup_free_ char *copy = strdup(text);
    struct nic nic = {.queues = 1};
    unsigned seen = 0, macs = 0;
    char *rest = copy, *part;
    const char *why;
    int r;

    if (!copy)
        return -ENOMEM;
    part = strsep(&rest, ",");
    if (!nic_id_is_valid(part))
        return complain(ret_error, -EINVAL, "'%s' is not an id: expected 1 to 15 of a-z 0-9 _ -",
                        part);
    (void)snprintf(nic.id, sizeof(nic.id), "%s", part);
    while ((part = strsep(&rest, ","))) {
        bool is_pool = !strncmp(part, "pool=", 5);

        macs += !strncmp(part, "mac=", 4) || !strncmp(part, "derived-mac=", 12);
        r = parse_pair(part, &nic, &seen, ret_error);
        if (r < 0)
            return r;
        if (is_pool)
            nic.pool = text + (part - copy) + 5;
    }
    why = find_contradiction(&nic, macs > 1);
    if (why)
        return complain(ret_error, -EINVAL, "%s", why);
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
