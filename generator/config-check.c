/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The description of a VM: what can be said once everything is read. */
#include <ctype.h>
#include <string.h>

#include "generator/config.h"
#include "generator/schema.h"

/* The INI file's name without its directory and ".ini". */
static char *base_name(const struct vm_config *config)
{
    const char *path = vm_config_source(config)->path, *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t length = strlen(name);

    if (length > 4 && strcmp(name + length - 4, ".ini") == 0)
        length -= 4;
    return strndup(name, length);
}

/* The place to point at for what is missing in SECTION. */
static struct origin place_of(const struct vm_config *config, const struct section *section)
{
    if (section->origin.source)
        return section->origin;
    return (struct origin){.source = vm_config_source(config)};
}

static bool is_set(const struct vm_config *config, const char *key)
{
    return config->vm.section.set[schema_find(SECTION_VM, key) - schema].source != NULL;
}

static void find_uuid(struct vm_config *config, const char *base)
{
    const char *reason;

    if (config->vm.uuid[0] != '\0')
        return;
    if (config->guess[0] != '\0')
        memcpy(config->vm.uuid, config->guess, sizeof(config->guess));
    else if (parse_uuid(base, NULL, config->vm.uuid, &reason) < 0 && !is_set(config, "uuid") &&
             !config->unread)
        problems_add(&config->problems, place_of(config, &config->vm.section),
                     "there is no uuid, and the file's name is none; add one: uuid = UUID "
                     "(uuidgen makes one)");
}

static void find_name(struct vm_config *config, const char *base)
{
    const char *reason;
    char *p = config->unit_name;

    if (config->vm.name[0] == '\0' && parse_name(base, NULL, config->vm.name, &reason) < 0 &&
        !is_set(config, "name") && !config->unread)
        problems_add(&config->problems, place_of(config, &config->vm.section),
                     "the file's name does not do as the VM's name; add one: name = NAME");
    if (config->vm.name[0] != '\0') {
        memcpy(config->unit_name, config->vm.name, sizeof(config->unit_name));
        return;
    }
    for (; *base != '\0' && p < config->unit_name + NAME_LENGTH_MAX; base++)
        *p++ = isalnum((unsigned char)*base) || strchr("._-", *base) ? *base : '_';
    *p = '\0';
}

/* FNV-1a with a last mix, so that every bit of the result depends on every byte. Never change it:
 * guests know their interfaces by the MAC. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
    return hash;
}

static struct mac_address derive_mac(const char *uuid, const char *id)
{
    uint64_t hash = hash_text(hash_text(hash_text(0xcbf29ce484222325, uuid), "/"), id);
    struct mac_address mac;

    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccd;
    hash ^= hash >> 33;
    for (size_t i = 0; i < 6; i++)
        mac.bytes[i] = (uint8_t)(hash >> (8 * i));
    mac.bytes[0] = (uint8_t)((mac.bytes[0] & 0xfc) | 0x02); /* locally administered, unicast */
    return mac;
}

static void derive_network(struct vm_config *config, size_t index)
{
    static const struct mac_address none;
    struct network_section *network = config->networks[index];
    char suffix[sizeof("-18446744073709551615")] = "";

    if (config->vm.uuid[0] == '\0')
        return;
    if (network->tap[0] == '\0') {
        if (index > 0)
            (void)snprintf(suffix, sizeof(suffix), "-%zu", index);
        (void)snprintf(network->tap, sizeof(network->tap), "tap-%.8s%.2s", config->vm.uuid, suffix);
    }
    if (memcmp(&network->mac, &none, sizeof(none)) == 0)
        network->mac = derive_mac(config->vm.uuid, network->section.id);
}

static void check_network(struct vm_config *config, struct network_section *network)
{
    struct section *section = &network->section;
    const struct origin *bridge = setting_origin(schema_find(SECTION_NETWORK, "bridge"), section);
    const struct origin *zone = setting_origin(schema_find(SECTION_NETWORK, "zone"), section);
    const struct origin *tap = setting_origin(schema_find(SECTION_NETWORK, "tap"), section);

    if (network->bridge[0] != '\0' && network->zone[0] != '\0')
        problems_add(&config->problems, *zone,
                     "bridge (line %u) and zone exclude each other; keep one", bridge->line);
    if (network->tap[0] != '\0' && strcmp(network->tap, network->bridge) == 0)
        problems_add(&config->problems, tap->source ? *tap : section->origin,
                     "the TAP and its bridge have the same name, %s", network->tap);
}

/* A TAP cannot be what another interface is a port of. */
static void check_bridges(struct vm_config *config)
{
    const struct setting *tap_row = schema_find(SECTION_NETWORK, "tap");
    const struct setting *bridge_row = schema_find(SECTION_NETWORK, "bridge");

    for (size_t i = 0; i < config->networks_count; i++)
        for (size_t j = 0; j < config->networks_count; j++) {
            struct network_section *tap = config->networks[i], *bridge = config->networks[j];
            const struct origin *said = setting_origin(tap_row, &tap->section);

            if (i == j || tap->tap[0] == '\0' || strcmp(tap->tap, bridge->bridge) != 0)
                continue;
            problems_add(&config->problems, said->source ? *said : tap->section.origin,
                         "tap %s is also the bridge of [network %s], line %u", tap->tap,
                         bridge->section.id, setting_origin(bridge_row, &bridge->section)->line);
        }
}

static void check_vm(struct vm_config *config)
{
    struct section *section = &config->vm.section;
    const struct setting *memory_max = schema_find(SECTION_VM, "memory_max");

    if (!section->origin.source) {
        problems_add(&config->problems, place_of(config, section),
                     "there is no [vm] section; every VM needs one with at least kernel = ...");
        return;
    }
    if (!is_set(config, "kernel"))
        problems_add(&config->problems, section->origin,
                     "there is no kernel in [vm]; add kernel = NAME or kernel = /PATH");
    if (config->vm.memory_max != 0 && config->vm.memory_max >> 20 < config->vm.memory_mib)
        problems_add(&config->problems, *setting_origin(memory_max, section),
                     "memory_max is less than the guest's memory, memory_mib = %u; raise it or "
                     "leave it out",
                     config->vm.memory_mib);
}

static void check_disk(struct vm_config *config, struct disk_section *disk)
{
    const struct setting *path = schema_find(SECTION_DISK, "path");

    if (!setting_origin(path, &disk->section)->source)
        problems_add(&config->problems, disk->section.origin,
                     "there is no path in [disk %s]; add path = /PATH", disk->section.id);
}

/* Says what is asked for and cannot be had yet. */
static void check_support(struct vm_config *config, struct section *section)
{
    const char *why = section_types[section->kind].not_yet;

    if (why) {
        problems_add(&config->problems, section->origin, "%s", why);
        return;
    }
    for (size_t i = 0; i < schema_count; i++) {
        const struct setting *row = &schema[i];

        if (row->section != section->kind || !row->not_yet)
            continue;
        why = row->not_yet(setting_place(row, section));
        if (why)
            problems_add(&config->problems, *setting_origin(row, section), "%s", why);
    }
}

int vm_config_finish(struct vm_config *config)
{
    _cleanup_free_ char *base = base_name(config);

    if (!base)
        return -ENOMEM;
    find_uuid(config, base);
    find_name(config, base);
    if (!config->unread)
        check_vm(config);
    for (size_t i = 0; i < config->networks_count; i++) {
        check_network(config, config->networks[i]);
        derive_network(config, i);
        check_support(config, &config->networks[i]->section);
    }
    check_bridges(config);
    for (size_t i = 0; i < config->disks_count; i++) {
        check_disk(config, config->disks[i]);
        check_support(config, &config->disks[i]->section);
    }
    return config->problems.no_memory ? -ENOMEM : 0;
}
