// SPDX-License-Identifier: LGPL-2.1-or-later
/* What systemd knows of a service: its command lines as of the last daemon-reload. */
#include "generator/systemd-unit.h"

#include <string.h>

#define TIMEOUT_USEC (25 * UINT64_C(1000000))

static void cleanup_bus(sd_bus **bus)
{
    (void)sd_bus_close_unref(*bus);
}

static void cleanup_message(sd_bus_message **m)
{
    (void)sd_bus_message_unref(*m);
}

static int open_private(const char *address, sd_bus **ret)
{
    _cleanup_(cleanup_bus) sd_bus *bus = NULL;
    int r = sd_bus_new(&bus);

    if (r >= 0)
        r = sd_bus_set_address(bus, address);
    if (r >= 0)
        r = sd_bus_start(bus);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(bus);
    return 0;
}

int systemd_open(const char *address, uint64_t timeout_usec, sd_bus **ret)
{
    _cleanup_(cleanup_bus) sd_bus *bus = NULL;
    int r = 0;

    if (open_private(address, &bus) < 0)
        r = sd_bus_open_system(&bus);
    if (r >= 0)
        r = sd_bus_set_method_call_timeout(bus, timeout_usec);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(bus);
    return 0;
}

int systemd_open_once(const char *address, uint64_t timeout_usec, sd_bus **bus)
{
    return *bus ? 0 : systemd_open(address, timeout_usec, bus);
}

static int add_command(struct unit_commands *commands, char **argv)
{
    struct unit_command *grown =
        reallocarray(commands->items, commands->count + 1, sizeof(*commands->items));

    if (!grown)
        return -ENOMEM;
    commands->items = grown;
    grown[commands->count++].argv = argv;
    return 0;
}

static void free_list(char **list)
{
    for (char **p = list; p && *p; p++)
        free(*p);
    free(list);
}

/* A program, its arguments, whether its failure counts, and how its last run went. */
static int read_commands(sd_bus_message *m, struct unit_commands *ret)
{
    int r = sd_bus_message_enter_container(m, 'a', "(sasbttttuii)");

    while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "sasbttttuii")) > 0) {
        char **argv = NULL;

        r = sd_bus_message_skip(m, "s");
        if (r >= 0)
            r = sd_bus_message_read_strv(m, &argv);
        if (r >= 0)
            r = sd_bus_message_skip(m, "bttttuii");
        if (r >= 0)
            r = argv && argv[0] ? add_command(ret, argv) : 0;
        if (r < 0 || !argv || !argv[0])
            free_list(argv);
        if (r >= 0)
            r = sd_bus_message_exit_container(m);
    }
    return r;
}

int systemd_unit_commands(const char *address, const char *name, const char *property,
                          struct unit_commands *ret, char **ret_why)
{
    _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_(cleanup_message) sd_bus_message *m = NULL;
    _cleanup_(cleanup_bus) sd_bus *bus = NULL;
    _cleanup_(unit_commands_done) struct unit_commands commands = {0};
    _cleanup_free_ char *path = NULL;
    int r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", name, &path);

    if (r >= 0)
        r = systemd_open(address, TIMEOUT_USEC, &bus);
    if (r >= 0)
        r = sd_bus_get_property(bus, "org.freedesktop.systemd1", path,
                                "org.freedesktop.systemd1.Service", property, &error, &m,
                                "a(sasbttttuii)");
    if (r >= 0)
        r = read_commands(m, &commands);
    if (r < 0) {
        *ret_why = strdup(error.message ?: strerror(-r));
        return r;
    }
    *ret = commands;
    commands = (struct unit_commands){0};
    return 0;
}

void unit_commands_done(struct unit_commands *commands)
{
    for (size_t i = 0; i < commands->count; i++)
        free_list(commands->items[i].argv);
    free(commands->items);
    *commands = (struct unit_commands){0};
}

const struct unit_command *unit_commands_find(const struct unit_commands *commands,
                                              const char *name)
{
    for (size_t i = 0; i < commands->count; i++) {
        const char *program = commands->items[i].argv[0], *slash = strrchr(program, '/');

        if (!strcmp(slash ? slash + 1 : program, name))
            return &commands->items[i];
    }
    return NULL;
}
