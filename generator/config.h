/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The description of a VM: what its INI file and drop-ins say, checked, with defaults filled in. */
#pragma once

#include "generator/problem.h"
#include "generator/value.h"
#include "generator/zone.h"

#define NETWORKS_MAX    8
#define DISKS_MAX       16
#define CREDENTIALS_MAX 255 /* what one SMBIOS structure holds */

/* The rows of the schema fit; see schema.c. */
#define SETTINGS_MAX 64

enum section_kind {
    SECTION_VM,
    SECTION_NETWORK,
    SECTION_DISK,
    SECTION_VSOCK,
    SECTION_CREDENTIALS,
    SECTION_CONSOLE,
    SECTION_BALLOON,
    SECTION_KINDS,                /* of a VM's file */
    SECTION_ZONE = SECTION_KINDS, /* a zone's file has no other */
};

enum network_mode { NETWORK_MODE_NETWORKD, NETWORK_MODE_DIRECT };

/* How its IPv4 address reaches the guest. */
enum network_address { NETWORK_ADDRESS_NONE, NETWORK_ADDRESS_DHCP, NETWORK_ADDRESS_CMDLINE };

/* Whether a disk goes by way of the host's page cache. */
enum disk_cache { DISK_CACHE_WRITEBACK, DISK_CACHE_NONE };

/* Who asks the host for a disk's data: the kernel by way of io_uring, or a thread that waits. */
enum disk_engine { DISK_ENGINE_AUTO, DISK_ENGINE_IO_URING, DISK_ENGINE_SYNC };

/* What the guest's memory is made of: small pages, reserved huge ones, transparent huge ones. */
enum hugepages { HUGEPAGES_THP, HUGEPAGES_NO, HUGEPAGES_YES };

/* How a managed kernel is held against its manifest at each start. */
enum verify { VERIFY_AUTO, VERIFY_ALWAYS };

/* What `systemctl start` waits for, in the words' order. */
enum readiness { READINESS_NONE, READINESS_VMM, READINESS_GUEST };

/* What every section has; the settings of its kind follow it in one object. */
struct section {
    enum section_kind kind;
    char id[ID_LENGTH_MAX + 1];      /* empty for [vm] */
    struct origin origin;            /* where it stands first; no source: nowhere */
    const struct source *last;       /* the file that spoke of it last */
    struct origin set[SETTINGS_MAX]; /* by row of the schema: where the value comes from */
};

struct vm_section {
    struct section section;
    char uuid[UUID_LENGTH + 1]; /* empty: unknown */
    char name[NAME_LENGTH_MAX + 1];
    unsigned vcpus;
    unsigned memory_mib;
    uint64_t memory_max; /* bytes for the whole service; 0: derived from memory_mib */
    unsigned cpu_quota;  /* percent of a CPU; 0: no limit */
    unsigned cpu_weight; /* 0: systemd's default, also below */
    char *cpus;          /* a list as the kernel writes it, or NULL: all */
    unsigned io_weight;
    char *kernel;       /* a path, or the name of a managed one */
    char *initrd;       /* a path, or "none"; NULL: the managed kernel's, if it has one */
    unsigned verify;    /* enum verify */
    char *cmdline;      /* or NULL */
    unsigned readiness; /* enum readiness */
    unsigned ready_timeout_sec;
    unsigned stop_timeout_sec;
    bool autostart;
    bool rng;
    unsigned hugepages; /* enum hugepages */
    bool require_landlock;
};

struct network_section {
    struct section section;
    unsigned mode; /* enum network_mode */
    char tap[IFNAME_LENGTH_MAX + 1];
    char bridge[IFNAME_LENGTH_MAX + 1];  /* the zone's, where there is one; empty: none */
    char zone_name[NAME_LENGTH_MAX + 1]; /* empty: none */
    struct zone *zone;                   /* of that name, without a problem; the zones own it */
    struct mac_address mac;              /* the guest's */
    unsigned mac_attempt;     /* of deriving it: more than 0 where it met another VM's before */
    struct ipv4_address ipv4; /* the guest's */
    unsigned address;         /* enum network_address */
    unsigned mtu;             /* 0: the default */
    bool vhost;
    unsigned multiqueue;
    bool isolated;
    bool antispoof;
    unsigned rate_mbit; /* 0: no limit */
};

struct disk_section {
    struct section section;
    char *path;
    bool readonly;
    unsigned cache;      /* enum disk_cache */
    unsigned engine;     /* enum disk_engine */
    unsigned iops, mbps; /* 0: no limit */
    unsigned queues;
};

struct console_section {
    struct section section;
    char group[NAME_LENGTH_MAX + 1]; /* empty: root alone */
};

struct vsock_section {
    struct section section;
    unsigned cid; /* 0: any, but always the same */
};

struct credential {
    char *name;
    char *value; /* the text itself, or a path */
    bool is_path;
    struct origin origin;
};

struct credentials_section {
    struct section section;
    struct credential *items; /* in the order in which they were named first */
    size_t count;
};

struct balloon_section {
    struct section section;
    unsigned size_mib;
    bool deflate_on_oom;
    bool free_page_reporting;
    unsigned statistics_sec; /* 0: never */
};

struct vm_config {
    struct source **sources; /* the INI file, then its drop-ins, in the order read */
    size_t sources_count;
    struct vm_section vm;
    struct network_section *networks[NETWORKS_MAX];
    size_t networks_count;
    struct disk_section *disks[DISKS_MAX];
    size_t disks_count;
    struct vsock_section vsock; /* its section has no origin where there is none */
    struct credentials_section credentials;
    struct console_section console; /* its section has no origin where there is none */
    struct balloon_section balloon;
    struct problems problems; /* empty: the VM can start */
    struct problems notes;    /* what its owner should know, and no reason to refuse it */
    char unit_name[NAME_LENGTH_MAX + 1]; /* vm.name, or what is nearest to the file's name */
    char guess[UUID_LENGTH + 1];         /* a UUID that stands where uuid= was meant */
    bool uuid_clash;                     /* another VM has this UUID */
    bool unread; /* the INI file itself could not be read; problems say why */
};

/* An empty description of the VM that the INI file at PATH is about. Returns 0 or -ENOMEM. */
int vm_config_new(const char *path, const char *label, struct vm_config **ret_config);
void vm_config_free(struct vm_config *config);

/* The file that the VM is named after. */
static inline const struct source *vm_config_source(const struct vm_config *config)
{
    return config->sources[0];
}

/* Adds a file to the sources; the config owns it. Returns 0 or -ENOMEM. */
int vm_config_add_source(struct vm_config *config, const char *path, const char *label,
                         const struct source **ret_source);

/* Reads the INI text of SOURCE into the config. What a file before it has set is replaced; what is
 * wrong is added to config->problems. Returns 0 or -ENOMEM. */
int vm_config_read(struct vm_config *config, const struct source *source, const char *text,
                   size_t size);

/* Call once after the last file: fills in the defaults that depend on others (UUID and name from
 * the file's name, TAP names, MACs, what a zone gives), checks what must be there and what must not
 * be together, and what is not supported yet. ZONES outlives the config. Returns 0 or -ENOMEM. */
int vm_config_finish(struct vm_config *config, struct zones *zones);

/* Takes a setting of [credentials]: KEY is the credential's name. What is wrong becomes a problem.
 * Returns 0 or -ENOMEM. */
int credentials_take(struct section *section, const char *key, const char *value,
                     struct origin origin, struct problems *problems);
void credentials_done(struct credentials_section *credentials);

/* The part of it that is about the memory. */
void vm_config_check_memory(struct vm_config *config);

/* The part of it that is about the network. */
int vm_config_finish_networks(struct vm_config *config, struct zones *zones);

/* Whether somebody wrote KEY of the [network]; without it, a default or what was derived stands
 * there.
 */
bool network_says(const struct network_section *network, const char *key);

/* Derives the MAC once more, differently, from the UUID, the id and the number of the attempt. */
void network_derive_mac(const struct vm_config *config, struct network_section *network);

static inline void cleanup_vm_config(struct vm_config **config)
{
    vm_config_free(*config);
}
#define _cleanup_vm_config_ _cleanup_(cleanup_vm_config)
