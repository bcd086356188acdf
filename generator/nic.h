/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One network interface of a VM as volt-net is told it, and the checks of names that come with it.
 */
#pragma once

#include "vmm/cleanup.h"

#include <net/if.h>

#define NIC_MAX        32
#define NIC_QUEUES_MAX 64
#define NIC_ID_SIZE    16
#define NIC_MTU_MIN    68
#define NIC_MTU_MAX    65521 /* the kernel's limit for a TAP */
#define NIC_DNS_MAX    16
#define NIC_RATE_MAX   100000 /* Mbit/s */
#define NIC_ZONE_SIZE  64

enum nic_mode {
    NIC_MODE_NETWORKD, /* systemd-networkd makes the TAP */
    NIC_MODE_DIRECT,   /* volt-net makes it */
};

/* How the guest comes to know its IPv4 address. */
enum nic_address {
    NIC_ADDRESS_NONE,
    NIC_ADDRESS_DHCP,    /* a lease for its MAC in networkd's DHCP server on the bridge */
    NIC_ADDRESS_CMDLINE, /* an ip= word on the kernel's command line */
};

/* IPv4 addresses are numbers in the host's byte order; 0 is none. */
struct nic {
    char id[NIC_ID_SIZE];
    enum nic_mode mode;
    char tap[IFNAMSIZ];
    char bridge[IFNAMSIZ]; /* "" for none */
    unsigned mtu;          /* 0: the kernel's default */
    unsigned queues;
    bool has_mac;
    bool mac_is_derived; /* written by nobody: may be another one */
    uint8_t mac[6];      /* the guest's */
    char zone[NIC_ZONE_SIZE];
    uint32_t ipv4; /* the guest's */
    unsigned prefix;
    bool ipv4_is_auto; /* to be taken from POOL */
    const char *pool;  /* its text, up to ',' or the end: see nic_pool_next() */
    uint32_t gateway;
    uint32_t dns[NIC_DNS_MAX];
    unsigned dns_count;
    enum nic_address address;
    bool isolated;
    bool antispoof;
    unsigned rate; /* Mbit/s; 0: no limit */
};

/* 8-4-4-4-12 hexadecimal digits. It becomes part of paths, so nothing else passes. */
bool uuid_is_valid(const char *uuid);

/* [a-z0-9_-]{1,15} */
bool nic_id_is_valid(const char *id);

/* What kernel, systemd and Volt all take: 1 to 15 of letters, digits, '.', '_' and '-'. */
bool ifname_is_valid(const char *name);

/* Decimal digits only, within the bounds. Returns 0, -EINVAL or -ERANGE. */
int number_parse(const char *text, unsigned min, unsigned max, unsigned *ret);

/* Six bytes, colons between; no multicast address and not zero. Returns 0 or -EINVAL. */
int mac_parse(const char *text, uint8_t ret[6]);

/* Dotted decimal. Returns 0 or -EINVAL. */
int ipv4_parse(const char *text, uint32_t *ret);

#define MAC_TEXT_SIZE  sizeof("52:54:00:12:34:56")
#define IPV4_TEXT_SIZE sizeof("255.255.255.255")
const char *mac_text(const uint8_t mac[6], char buffer[MAC_TEXT_SIZE]);
const char *ipv4_text(uint32_t address, char buffer[IPV4_TEXT_SIZE]);

/* Takes the next range off *pool, `A-B+C-D+E` up to ',' or the end. Returns 1, 0 at the end, or
 * -EINVAL. */
int nic_pool_next(const char **pool, uint32_t *ret_first, uint32_t *ret_last);

/* Reads `ID,key=value,…`, the argument of --nic, which has to outlive *ret. On -EINVAL *ret_error
 * tells why (free it). */
int nic_parse(const char *text, struct nic *ret, char **ret_error);

/* Whether two of the N share an id or a TAP. On -EEXIST *ret_error tells which (free it). */
int nic_check_all(const struct nic *nics, size_t n, char **ret_error);

/* Whether volt-generator gives this name to a TAP of the VM UUID: tap-<first 8 digits>, or that
 * with -NUMBER after it. */
bool nic_tap_is_derived(const char *tap, const char *uuid);

/* The name of a queue's fd in the store: net.<id>.<queue>. */
#define NIC_FDNAME_SIZE 32
void nic_fdname(const struct nic *nic, unsigned queue, char ret[NIC_FDNAME_SIZE]);
