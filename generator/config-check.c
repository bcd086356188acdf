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

static void check_vm(struct vm_config *config)
{
    struct section *section = &config->vm.section;
    const struct setting *memory_max = schema_find(SECTION_VM, "memory_max");

    if (!section->origin.source) {
        problems_add(&config->problems, place_of(config, section),
                     "there is no [vm] section; every VM needs one, if only an empty one");
        return;
    }
    if (config->vm.verify == VERIFY_ALWAYS && config->vm.kernel[0] == '/')
        problems_add(&config->problems, *setting_origin(schema_find(SECTION_VM, "verify"), section),
                     "verify = always needs kernel = NAME: there is no manifest to hold a path "
                     "against");
    if (config->vm.memory_max != 0 && config->vm.memory_max >> 20 < config->vm.memory_mib)
        problems_add(&config->problems, *setting_origin(memory_max, section),
                     "memory_max is less than the guest's memory, memory_mib = %u; raise it or "
                     "leave it out",
                     config->vm.memory_mib);
}

static void settle_readiness(struct vm_config *config)
{
    struct section *section = &config->vm.section;
    bool has_vsock = config->vsock.section.origin.source;

    if (!is_set(config, "readiness"))
        config->vm.readiness = has_vsock ? READINESS_GUEST : READINESS_VMM;
    else if (config->vm.readiness == READINESS_GUEST && !has_vsock)
        problems_add(&config->problems,
                     *setting_origin(schema_find(SECTION_VM, "readiness"), section),
                     "readiness = guest needs a section [vsock], by which the guest says so");
}

static void check_disk(struct vm_config *config, struct disk_section *disk)
{
    const struct setting *path = schema_find(SECTION_DISK, "path");

    if (!setting_origin(path, &disk->section)->source)
        problems_add(&config->problems, disk->section.origin,
                     "there is no path in [disk %s]; add path = /PATH", disk->section.id);
    for (size_t i = 0; disk->path && config->disks[i] != disk; i++) {
        const struct disk_section *other = config->disks[i];

        if (other->path && strcmp(other->path, disk->path) == 0 &&
            !(other->readonly && disk->readonly))
            problems_add(&config->problems, *setting_origin(path, &disk->section),
                         "path %s is also that of [disk %s]; a disk that is written to can be "
                         "there only once",
                         disk->path, other->section.id);
    }
}

int vm_config_finish(struct vm_config *config, struct zones *zones)
{
    _cleanup_free_ char *base = base_name(config);
    int r;

    if (!base)
        return -ENOMEM;
    find_uuid(config, base);
    find_name(config, base);
    if (!config->unread) {
        check_vm(config);
        vm_config_check_memory(config);
    }
    settle_readiness(config);
    r = vm_config_finish_networks(config, zones);
    if (r < 0)
        return r;
    for (size_t i = 0; i < config->disks_count; i++)
        check_disk(config, config->disks[i]);
    return config->problems.no_memory ? -ENOMEM : 0;
}
