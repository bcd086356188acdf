/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The description of a VM: reading INI text into it. */
#include "generator/config.h"

#include <string.h>

#include "generator/ini-reader.h"
#include "generator/schema.h"
#include "generator/suggest.h"

/* One pass over one file. */
struct reading {
    struct vm_config *config;
    const struct source *source;
    struct section
        *section; /* the current one; NULL before the first, and in one that is unknown */
    bool in_section;
    int r;
};

static struct origin here(const struct reading *reading, unsigned line)
{
    return (struct origin){.source = reading->source, .line = line};
}

int vm_config_add_source(struct vm_config *config, const char *path, const char *label,
                         const struct source **ret_source)
{
    struct source **sources =
        reallocarray(config->sources, config->sources_count + 1, sizeof(*sources));
    int r;

    if (!sources)
        return -ENOMEM;
    config->sources = sources;
    r = source_new(path, label, &sources[config->sources_count]);
    if (r < 0)
        return r;
    *ret_source = sources[config->sources_count++];
    return 0;
}

/* The section of KIND in CONFIG, where it takes no id and is therefore always there. */
static struct section *only_section(struct vm_config *config, enum section_kind kind)
{
    switch (kind) {
    case SECTION_VM:
        return &config->vm.section;
    case SECTION_VSOCK:
        return &config->vsock.section;
    case SECTION_CREDENTIALS:
        return &config->credentials.section;
    case SECTION_CONSOLE:
        return &config->console.section;
    case SECTION_BALLOON:
        return &config->balloon.section;
    default:
        return NULL;
    }
}

int vm_config_new(const char *path, const char *label, struct vm_config **ret_config)
{
    _cleanup_vm_config_ struct vm_config *config = calloc(1, sizeof(*config));
    const struct source *source;
    int r;

    if (!config)
        return -ENOMEM;
    r = vm_config_add_source(config, path, label, &source);
    if (r < 0)
        return r;
    for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++) {
        struct section *section = only_section(config, kind);

        if (!section)
            continue;
        section->kind = kind;
        r = schema_set_defaults(section);
        if (r < 0)
            return r;
    }
    *ret_config = TAKE_PTR(config);
    return 0;
}

void vm_config_free(struct vm_config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->sources_count; i++)
        source_free(config->sources[i]);
    free(config->sources);
    free(config->vm.kernel);
    free(config->vm.initrd);
    free(config->vm.cmdline);
    free(config->vm.cpus);
    for (size_t i = 0; i < config->networks_count; i++)
        free(config->networks[i]);
    for (size_t i = 0; i < config->disks_count; i++) {
        free(config->disks[i]->path);
        free(config->disks[i]);
    }
    credentials_done(&config->credentials);
    problems_done(&config->problems);
    problems_done(&config->notes);
    free(config);
}

static struct section *find_section(struct vm_config *config, enum section_kind kind,
                                    const char *id)
{
    struct section *only = only_section(config, kind);

    if (only)
        return only->origin.source ? only : NULL;
    for (size_t i = 0; kind == SECTION_NETWORK && i < config->networks_count; i++)
        if (strcmp(config->networks[i]->section.id, id) == 0)
            return &config->networks[i]->section;
    for (size_t i = 0; kind == SECTION_DISK && i < config->disks_count; i++)
        if (strcmp(config->disks[i]->section.id, id) == 0)
            return &config->disks[i]->section;
    return NULL;
}

/* Makes room for one more section of KIND. Returns 0, -ENOSPC or -ENOMEM. */
static int add_section(struct vm_config *config, enum section_kind kind, const char *id,
                       struct section **ret_section)
{
    struct section *section = only_section(config, kind);
    int r;

    if (section) {
        *ret_section = section;
        return 0;
    }
    if (kind == SECTION_NETWORK ? config->networks_count >= NETWORKS_MAX
                                : config->disks_count >= DISKS_MAX)
        return -ENOSPC;
    section = calloc(1, section_types[kind].size);
    if (!section)
        return -ENOMEM;
    section->kind = kind;
    memcpy(section->id, id, strlen(id) + 1);
    r = schema_set_defaults(section);
    if (r < 0) {
        free(section);
        return r;
    }
    if (kind == SECTION_NETWORK)
        config->networks[config->networks_count++] =
            container_of(section, struct network_section, section);
    else
        config->disks[config->disks_count++] = container_of(section, struct disk_section, section);
    *ret_section = section;
    return 0;
}

/* Writes the sections that there are: "[vm], [network ID] and [disk ID]". NAME: that one alone. */
static void write_sections(const char *name, char *ret, size_t size)
{
    size_t length = 0;

    for (enum section_kind kind = 0; kind < SECTION_KINDS && length < size; kind++) {
        const struct section_type *type = &section_types[kind];
        const char *separator = kind == SECTION_KINDS - 1 ? " and " : ", ";

        if (name && strcmp(name, type->name) != 0)
            continue;
        int n = snprintf(ret + length, size - length, "%s[%s%s]", length == 0 ? "" : separator,
                         type->name, type->takes_id ? " ID" : "");
        length += n > 0 ? (size_t)n : 0;
    }
}

/* Which kind of section NAME, the first word in the brackets, means. */
static int find_kind(struct reading *reading, unsigned line, const char *full, const char *name,
                     enum section_kind *ret_kind)
{
    const char *meant;
    char names[256];

    for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++) {
        if (strcmp(section_types[kind].name, name) == 0) {
            *ret_kind = kind;
            return 0;
        }
    }
    meant = schema_suggest_section(name);
    write_sections(meant, names, sizeof(names));
    problems_add(&reading->config->problems, here(reading, line), "unknown section [%.*s]; %s %s%s",
                 QUOTED(full), meant ? "did you mean" : "there are", names, meant ? "?" : "");
    return -EINVAL;
}

static bool check_id(struct reading *reading, unsigned line, enum section_kind kind, const char *id)
{
    const struct section_type *type = &section_types[kind];
    struct problems *problems = &reading->config->problems;

    if (!type->takes_id && *id != '\0')
        problems_add(problems, here(reading, line), "[%s] takes no id; write [%s], not [%s %.*s]",
                     type->name, type->name, type->name, QUOTED(id));
    else if (type->takes_id && *id == '\0')
        problems_add(problems, here(reading, line), "[%s] needs an id, such as [%s %s]", type->name,
                     type->name, kind == SECTION_NETWORK ? "eth0" : "root");
    else if (type->takes_id && !id_is_valid(id))
        problems_add(problems, here(reading, line),
                     "the id '%.*s' must be 1 to 15 characters of a-z, 0-9, '_' and '-'",
                     QUOTED(id));
    else
        return true;
    return false;
}

static void enter_section(struct reading *reading, unsigned line, enum section_kind kind,
                          const char *id)
{
    struct vm_config *config = reading->config;
    struct section *section = find_section(config, kind, id);
    int r;

    if (!section) {
        r = add_section(config, kind, id, &section);
        if (r == -ENOSPC)
            problems_add(&config->problems, here(reading, line),
                         "this is one [%s] too many; at most %d are allowed",
                         section_types[kind].name,
                         kind == SECTION_NETWORK ? NETWORKS_MAX : DISKS_MAX);
        else if (r < 0)
            reading->r = r;
        if (r < 0)
            return;
        section->origin = here(reading, line);
    } else if (section->last == reading->source) {
        problems_add(&config->problems, here(reading, line),
                     "[%s%s%s] stands here again; put its settings into one section",
                     section_types[kind].name, *id ? " " : "", id);
    }
    section->last = reading->source;
    reading->section = section;
}

static void on_section(void *user, unsigned line, const char *name)
{
    struct reading *reading = user;
    size_t length = strcspn(name, " \t");
    _cleanup_free_ char *word = strndup(name, length);
    const char *id = name + length + strspn(name + length, " \t");
    enum section_kind kind;

    reading->section = NULL;
    reading->in_section = true;
    if (!word) {
        reading->r = -ENOMEM;
        return;
    }
    if (find_kind(reading, line, name, word, &kind) < 0 || !check_id(reading, line, kind, id))
        return;
    enter_section(reading, line, kind, id);
}

static void report_unknown_key(struct reading *reading, unsigned line, const char *key)
{
    struct problems *problems = &reading->config->problems;
    enum section_kind kind = reading->section->kind;
    const char *meant = schema_suggest_key(kind, key);

    for (size_t i = 0; i < schema_count; i++) {
        const struct section_type *type = &section_types[schema[i].section];

        if (schema[i].section != kind && !type->take && strcmp(schema[i].key, key) == 0) {
            problems_add(problems, here(reading, line), "'%s' belongs into [%s%s], not into [%s]",
                         key, type->name, type->takes_id ? " ID" : "", section_types[kind].name);
            return;
        }
    }
    if (meant)
        problems_add(problems, here(reading, line),
                     "unknown key '%.*s' in [%s]; did you mean '%s'?", QUOTED(key),
                     section_types[kind].name, meant);
    else
        problems_add(problems, here(reading, line),
                     "unknown key '%.*s' in [%s]; see volt.vm(5) for those that there are",
                     QUOTED(key), section_types[kind].name);
}

static void assign(struct reading *reading, unsigned line, const struct setting *row,
                   const char *value)
{
    struct section *section = reading->section;
    struct origin *origin = setting_origin(row, section);
    struct problems *problems = &reading->config->problems;
    const char *reason = NULL;
    int r;

    if (origin->source == reading->source) {
        problems_add(problems, here(reading, line), "%s is set again; line %u sets it already",
                     row->key, origin->line);
        return;
    }
    *origin = here(reading, line);
    if (*value == '\0') {
        problems_add(problems, here(reading, line),
                     "%s has no value; remove the line or give it one", row->key);
        return;
    }
    r = row->parse(value, &row->rule, setting_place(row, section), &reason);
    if (r == -EINVAL)
        r = setting_report(problems, *origin, row, value, reason);
    if (r < 0)
        reading->r = r;
}

/* A file in error shall still be known by its UUID: takes it from any line that reads like uuid=.
 */
static void guess_uuid(struct vm_config *config, const char *key, const char *value)
{
    const char *reason;

    if (config->guess[0] != '\0' || suggest_rank(key, "uuid") == 0)
        return;
    for (; strlen(value) >= UUID_LENGTH; value++) {
        char part[UUID_LENGTH + 1] = "";

        memcpy(part, value, UUID_LENGTH);
        if (parse_uuid(part, NULL, config->guess, &reason) == 0)
            return;
    }
}

static void on_setting(void *user, unsigned line, const char *key, const char *value)
{
    struct reading *reading = user;
    const struct setting *row;

    guess_uuid(reading->config, key, value);
    if (!reading->section) {
        /* The keys of a section that was refused are not worth a message each. */
        if (!reading->in_section)
            problems_add(&reading->config->problems, here(reading, line),
                         "'%.*s' stands before any section; begin the file with [vm]", QUOTED(key));
        return;
    }
    if (section_types[reading->section->kind].take) {
        int r = section_types[reading->section->kind].take(
            reading->section, key, value, here(reading, line), &reading->config->problems);

        if (r < 0)
            reading->r = r;
        return;
    }
    row = schema_find(reading->section->kind, key);
    if (row)
        assign(reading, line, row, value);
    else
        report_unknown_key(reading, line, key);
}

static void on_error(void *user, unsigned line, const char *text, const char *raw)
{
    struct reading *reading = user;
    size_t length = strcspn(raw, " \t=:");
    char key[sizeof("uuid") + 4];

    if (length < sizeof(key)) {
        (void)snprintf(key, sizeof(key), "%.*s", (int)length, raw);
        guess_uuid(reading->config, key, raw + length);
    }
    problems_add(&reading->config->problems, here(reading, line), "%s", text);
}

int vm_config_read(struct vm_config *config, const struct source *source, const char *text,
                   size_t size)
{
    static const struct ini_events events = {
        .section = on_section,
        .setting = on_setting,
        .error = on_error,
    };
    struct reading reading = {.config = config, .source = source};
    int r;

    r = ini_read(text, size, &events, &reading);
    if (r < 0)
        return r;
    if (reading.r < 0)
        return reading.r;
    return config->problems.no_memory ? -ENOMEM : 0;
}
