/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which unit files a set of VMs comes to. */
#include "generator/units.h"

#include <string.h>

#include "generator/unit-console.h"
#include "generator/unit-text.h"

/* Adds the return value of a later step: the first failure counts. */
static int first_failure(int r, int later)
{
    return r < 0 ? r : later;
}

static int compare(const struct vm_config *x, const struct vm_config *y, const char *a,
                   const char *b)
{
    int r = strcmp(a, b);

    return r != 0 ? r : strcmp(vm_config_source(x)->path, vm_config_source(y)->path);
}

static int compare_uuids(const void *a, const void *b)
{
    const struct vm_config *x = *(struct vm_config *const *)a, *y = *(struct vm_config *const *)b;

    return compare(x, y, x->vm.uuid, y->vm.uuid);
}

static int compare_names(const void *a, const void *b)
{
    const struct vm_config *x = *(struct vm_config *const *)a, *y = *(struct vm_config *const *)b;

    return compare(x, y, x->unit_name, y->unit_name);
}

typedef void (*text_writer)(FILE *f, struct vm_config *const *configs, size_t count);

/* Writes one file; WRITE_TEXT is one of unit-text's writers. */
static int write_file(const struct unit_sink *sink, const char *name, text_writer write_text,
                      struct vm_config *const *configs, size_t count)
{
    _cleanup_free_ char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return -ENOMEM;
    write_text(f, configs, count);
    if (fclose(f) != 0)
        return -ENOMEM;
    return sink->file(sink->user, name, text, size);
}

static void write_drop_in(FILE *f, struct vm_config *const *configs, size_t count _unused_)
{
    if (configs[0]->problems.count > 0)
        unit_write_refusal(f, configs[0]);
    else
        unit_write_service(f, configs[0]);
}

static void write_console_unit(FILE *f, struct vm_config *const *configs, size_t count _unused_)
{
    unit_write_console_unit(f, configs[0]);
}

static int write_console(struct vm_config *const *configs, const struct unit_sink *sink)
{
    char name[sizeof("volt-console@.socket.d/50-volt.conf") + UUID_LENGTH];

    if (configs[0]->problems.count > 0 || !unit_has_console(configs[0]))
        return 0;
    (void)snprintf(name, sizeof(name), "volt-console@%s.socket.d/50-volt.conf",
                   configs[0]->vm.uuid);
    return write_file(sink, name, write_console_unit, configs, 1);
}

/* Writes what the COUNT VMs with one UUID come to: the first speaks for all. */
static int write_service(struct vm_config *const *configs, size_t count,
                         const struct unit_sink *sink)
{
    const struct vm_config *config = configs[0];
    char service[UNIT_NAME_SIZE],
        name[UNIT_NAME_SIZE + sizeof("volt.target.wants/.d/50-volt.conf")];
    bool autostart = false;
    int r;

    unit_service_name(config, service);
    (void)snprintf(name, sizeof(name), "%s.d/50-volt.conf", service);
    r = write_file(sink, name, write_drop_in, configs, count);
    r = first_failure(r, write_console(configs, sink));
    for (size_t i = 0; i < count; i++)
        autostart = autostart || configs[i]->vm.autostart;
    if (!autostart)
        return r;
    (void)snprintf(name, sizeof(name), "volt.target.wants/%s", service);
    return first_failure(r, sink->link(sink->user, name, VOLT_UNITDIR "/volt-vm@.service"));
}

static int write_stand_in(struct vm_config *const *configs, size_t count,
                          const struct unit_sink *sink)
{
    char service[UNIT_NAME_SIZE], name[UNIT_NAME_SIZE + sizeof("volt.target.wants/")];
    char target[UNIT_NAME_SIZE + sizeof("../")];
    bool autostart = false;
    int r;

    unit_service_name(configs[0], service);
    r = write_file(sink, service, unit_write_stand_in, configs, count);
    for (size_t i = 0; i < count; i++)
        autostart = autostart || configs[i]->vm.autostart;
    if (!autostart)
        return r;
    (void)snprintf(name, sizeof(name), "volt.target.wants/%s", service);
    (void)snprintf(target, sizeof(target), "../%s", service);
    return first_failure(r, sink->link(sink->user, name, target));
}

static int write_target(struct vm_config *const *configs, size_t count,
                        const struct unit_sink *sink)
{
    char name[UNIT_NAME_SIZE];

    (void)snprintf(name, sizeof(name), "volt-%s.target", configs[0]->unit_name);
    return write_file(sink, name, unit_write_target, configs, count);
}

/* How many VMs at the start of CONFIGS have the first one's name. */
static size_t count_name(struct vm_config *const *configs, size_t count)
{
    size_t n = 1;

    while (n < count && strcmp(configs[0]->unit_name, configs[n]->unit_name) == 0)
        n++;
    return n;
}

int units_write(struct vm_config **configs, size_t count, const struct unit_sink *sink)
{
    size_t n, unknown = 0;
    int r = 0;

    if (count == 0)
        return 0;
    qsort(configs, count, sizeof(*configs), compare_uuids);
    while (unknown < count && configs[unknown]->vm.uuid[0] == '\0')
        unknown++;
    qsort(configs, unknown, sizeof(*configs), compare_names);
    for (size_t i = 0; i < unknown; i += n) {
        n = count_name(&configs[i], unknown - i);
        r = first_failure(r, write_stand_in(&configs[i], n, sink));
    }
    for (size_t i = unknown; i < count; i += n) {
        n = 1;
        while (i + n < count && strcmp(configs[i]->vm.uuid, configs[i + n]->vm.uuid) == 0)
            n++;
        r = first_failure(r, write_service(&configs[i], n, sink));
    }
    qsort(configs, count, sizeof(*configs), compare_names);
    for (size_t i = 0; i < count; i += n) {
        n = count_name(&configs[i], count - i);
        r = first_failure(r, write_target(&configs[i], n, sink));
    }
    return r;
}
