/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values that stand in an INI file: one parser per type. */
#pragma once

#include <netinet/in.h>

#include "vmm/cleanup.h"

#define UUID_LENGTH        36
#define NAME_LENGTH_MAX    63
#define ID_LENGTH_MAX      15
#define IFNAME_LENGTH_MAX  15   /* IFNAMSIZ - 1 */
#define CMDLINE_LENGTH_MAX 1792 /* of x86's 2,048: the rest is for what the VMM adds */
#define MEMORY_INFINITY    UINT64_MAX

struct mac_address {
    uint8_t bytes[6];
};

struct ipv4_address {
    struct in_addr address;
    unsigned prefix; /* 0: no address */
    bool automatic;  /* any free one of the zone; address is not set, prefix is the zone's */
};

/* From FIRST to LAST, both included, in the host's byte order; LAST 0: no range. */
struct ipv4_range {
    uint32_t first, last;
};

#define ADDRESSES_MAX                                                                              \
    3 /* name servers that a guest is told of: more are of no use to resolv.conf */
struct ipv4_list {
    struct in_addr items[ADDRESSES_MAX];
    size_t count;
};

/* What a parser may be told by a row of the schema. */
struct value_rule {
    unsigned min, max; /* numbers */
    const char *words; /* the choices, separated by blanks; the value is the index */
};

/* Turns TEXT (not empty, no blanks at its ends) into the object at PLACE, whose type stands at each
 * parser. Returns 0; -EINVAL, with *ret_reason possibly set to a constant text that says more than
 * "not a …"; or -ENOMEM. PLACE is untouched on failure. */
typedef int (*value_parser)(const char *text, const struct value_rule *rule, void *place,
                            const char **ret_reason);

int parse_uuid(const char *text, const struct value_rule *rule, void *place,
               const char **ret_reason); /* char[UUID_LENGTH + 1], lower case */
int parse_name(const char *text, const struct value_rule *rule, void *place,
               const char **ret_reason); /* char[NAME_LENGTH_MAX + 1] */
int parse_ifname(const char *text, const struct value_rule *rule, void *place,
                 const char **ret_reason); /* char[IFNAME_LENGTH_MAX + 1] */
int parse_number(const char *text, const struct value_rule *rule, void *place,
                 const char **ret_reason); /* unsigned, rule->min to rule->max */
int parse_percent(const char *text, const struct value_rule *rule, void *place,
                  const char **ret_reason); /* unsigned, rule->min to rule->max, "%" after it */
int parse_cid(const char *text, const struct value_rule *rule, void *place,
              const char **ret_reason); /* unsigned, rule->min to rule->max, or "auto": 0 */
int parse_bytes(const char *text, const struct value_rule *rule, void *place,
                const char **ret_reason); /* uint64_t; K, M, G, T; "infinity" */
int parse_boolean(const char *text, const struct value_rule *rule, void *place,
                  const char **ret_reason); /* bool */
int parse_choice(const char *text, const struct value_rule *rule, void *place,
                 const char **ret_reason); /* unsigned, index into rule->words */
int parse_path(const char *text, const struct value_rule *rule, void *place,
               const char **ret_reason); /* char *, allocated; the old one is freed */
int parse_kernel(const char *text, const struct value_rule *rule, void *place,
                 const char **ret_reason); /* char *, a path, or the name of a managed kernel */
int parse_initrd(const char *text, const struct value_rule *rule, void *place,
                 const char **ret_reason); /* char *, a path, or "none" */
int parse_cmdline(const char *text, const struct value_rule *rule, void *place,
                  const char **ret_reason); /* char * */
int parse_cpus(const char *text, const struct value_rule *rule, void *place,
               const char **ret_reason); /* char *, "0-3,8": ascending, without blanks */
int parse_mac(const char *text, const struct value_rule *rule, void *place,
              const char **ret_reason); /* struct mac_address, unicast, not zero */
int parse_ipv4(const char *text, const struct value_rule *rule, void *place,
               const char **ret_reason); /* struct ipv4_address, a host's, or "auto" */
int parse_subnet(const char *text, const struct value_rule *rule, void *place,
                 const char **ret_reason); /* struct ipv4_address, a network's */
int parse_host(const char *text, const struct value_rule *rule, void *place,
               const char **ret_reason); /* struct in_addr, without a prefix */
int parse_range(const char *text, const struct value_rule *rule, void *place,
                const char **ret_reason); /* struct ipv4_range: FIRST-LAST */
int parse_hosts(const char *text, const struct value_rule *rule, void *place,
                const char **ret_reason); /* struct ipv4_list, blanks between */

/* Whether TEXT is a section's id: [a-z0-9_-]{1,15}. */
bool id_is_valid(const char *text);

/* MAC as 52:54:00:12:34:56. */
#define MAC_TEXT_SIZE sizeof("52:54:00:12:34:56")
void mac_format(const struct mac_address *mac, char text[static MAC_TEXT_SIZE]);

/* ADDRESS, in the host's byte order, as 10.42.0.10. */
void ipv4_format(uint32_t address, char text[static INET_ADDRSTRLEN]);

/* All addresses of SUBNET: the first is the network's own, the last the one for broadcasts. */
struct ipv4_range ipv4_subnet_range(const struct ipv4_address *subnet);

static inline bool ipv4_range_has(const struct ipv4_range *range, uint32_t address)
{
    return range->last != 0 && address >= range->first && address <= range->last;
}
