// SPDX-License-Identifier: LGPL-2.1-or-later
/* Telling systemd-machined of a VM, and of its end (org.freedesktop.machine1). */
#include "generator/machined.h"

#include <ctype.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-login.h>

#include "generator/bus.h"
#include "generator/machine-name.h"
#include "generator/machine-varlink.h"

#define SERVICE   "org.freedesktop.machine1"
#define PATH      "/org/freedesktop/machine1"
#define INTERFACE "org.freedesktop.machine1.Manager"
#define OWN_NAME  "volt" /* the software that registers a machine */

static int explain(char **ret_text, int r, const char *what, const sd_bus_error *error)
{
    const char *why = error && error->message ? error->message : strerror(-r);

    if (asprintf(ret_text, "%s: %s", what, why) < 0)
        *ret_text = NULL;
    return r;
}

static void read_uuid(const char *text, uint8_t ret[static 16])
{
    unsigned digits = 0;

    memset(ret, 0, 16);
    for (; *text && digits < 32; text++) {
        if (!isxdigit((unsigned char)*text))
            continue;
        unsigned value =
            isdigit((unsigned char)*text) ? *text - '0' : tolower((unsigned char)*text) - 'a' + 10;
        ret[digits / 2] = (uint8_t)(ret[digits / 2] << 4 | value);
        digits++;
    }
}

/* Whether the machine at PATH is the VM called UUID. */
static bool is_ours(sd_bus *bus, const char *path, const char *uuid)
{
    _cleanup_(cleanup_bus_message) sd_bus_message *reply = NULL;
    uint8_t wanted[16];
    const void *id;
    size_t size;

    read_uuid(uuid, wanted);
    return sd_bus_get_property(bus, SERVICE, path, SERVICE ".Machine", "Id", NULL, &reply, "ay") >=
               0 &&
           sd_bus_message_read_array(reply, 'y', &id, &size) >= 0 && size == sizeof(wanted) &&
           memcmp(id, wanted, size) == 0;
}

static int unregister_machine(sd_bus *bus, const char *name, sd_bus_error *error)
{
    int r = sd_bus_call_method(bus, SERVICE, PATH, INTERFACE, "UnregisterMachine", error, NULL, "s",
                               name);

    if (r >= 0 || !sd_bus_error_has_name(error, SERVICE ".NoSuchMachine"))
        return r;
    sd_bus_error_free(error); /* it went by itself */
    return 0;
}

/* Removes every registration of the VM, one by one. */
static int unregister_listed(sd_bus *bus, const char *uuid, sd_bus_error *error)
{
    _cleanup_(cleanup_bus_message) sd_bus_message *m = NULL, *reply = NULL;
    const char *name, *class, *service, *path;
    int r, n = 0;

    r = sd_bus_message_new_method_call(bus, &m, SERVICE, PATH, INTERFACE, "ListMachines");
    if (r < 0)
        return r;
    /* One that does not run knows no machines. */
    (void)sd_bus_message_set_auto_start(m, false);
    r = sd_bus_call(bus, m, 0, error, &reply);
    if (r < 0)
        return bus_nobody_has_the_name(error) ? 0 : r;
    r = sd_bus_message_enter_container(reply, 'a', "(ssso)");
    while (r >= 0 && (r = sd_bus_message_read(reply, "(ssso)", &name, &class, &service, &path)) > 0)
        if (strcmp(service, OWN_NAME) == 0 && is_ours(bus, path, uuid)) {
            r = unregister_machine(bus, name, error);
            n += r >= 0;
        }
    return r < 0 ? r : n;
}

/* Whether this process is of the VM's unit, as those that systemd starts. */
static bool is_in_unit(const char *uuid)
{
    _cleanup_free_ char *unit = NULL;
    char name[sizeof("volt-vm@.service") + 36];

    (void)snprintf(name, sizeof(name), "volt-vm@%s.service", uuid);
    return sd_pid_get_unit(0, &unit) >= 0 && strcasecmp(unit, name) == 0;
}

/* The same for the unit that this process is of. machined has a file that tells: it need not be
 * asked about each VM that runs on this host. */
static int unregister_own(sd_bus *bus, sd_bus_error *error)
{
    char *name;
    int r = 0, n = 0;

    /* Not for ever, whatever machined makes of it. */
    while (r >= 0 && n < MACHINE_NAMES && sd_pid_get_machine_name(0, &name) >= 0) {
        r = unregister_machine(bus, name, error);
        n += r >= 0;
        free(name);
    }
    return r < 0 ? r : n;
}

/* There may be one of an earlier start. Returns how many, or -errno. */
static int unregister_all(sd_bus *bus, const char *uuid, sd_bus_error *error)
{
    return is_in_unit(uuid) ? unregister_own(bus, error) : unregister_listed(bus, uuid, error);
}

static int register_by_bus(sd_bus *bus, const struct machine *machine, const char *name,
                           sd_bus_error *error)
{
    _cleanup_(cleanup_bus_message) sd_bus_message *m = NULL;
    uint8_t id[16];
    int r;

    read_uuid(machine->uuid, id);
    r = sd_bus_message_new_method_call(bus, &m, SERVICE, PATH, INTERFACE,
                                       "RegisterMachineWithNetwork");
    if (r >= 0)
        r = sd_bus_message_append(m, "s", name);
    if (r >= 0)
        r = sd_bus_message_append_array(m, 'y', id, sizeof(id));
    if (r >= 0)
        r = sd_bus_message_append(m, "ssus", OWN_NAME, "vm", machine->leader, "");
    if (r >= 0)
        r = sd_bus_message_append_array(m, 'i', machine->interfaces,
                                        machine->n_interfaces * sizeof(machine->interfaces[0]));
    if (r >= 0)
        r = sd_bus_call(bus, m, 0, error, NULL);
    return r < 0 && sd_bus_error_has_name(error, SERVICE ".MachineExists") ? -EEXIST : r;
}

/* Starts machined where it is installed. Returns 1, 0 where it cannot be had, or -ETIMEDOUT. */
static int start_machined(sd_bus *bus, sd_bus_error *error)
{
    int r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                               "org.freedesktop.DBus", "StartServiceByName", error, NULL, "su",
                               SERVICE, 0);

    if (r >= 0)
        return 1;
    /* Not installed; or masked, for which there are several errors. Of one that does not come up
     * the journal knows. */
    return r == -ETIMEDOUT ? r : 0;
}

/* Varlink for what the bus does not take; the bus for every machined, which the call starts. */
static int register_as(sd_bus *bus, const struct machine *machine, const char *name,
                       unsigned timeout_ms, sd_bus_error *error)
{
    if (machine->cid > 0 && start_machined(bus, error) > 0) {
        int r = machine_varlink_register(MACHINED_VARLINK, machine, name, timeout_ms);

        if (r >= 0 || r == -EEXIST)
            return r;
    }
    sd_bus_error_free(error);
    return register_by_bus(bus, machine, name, error);
}

int machined_register(const struct machine *machine, unsigned timeout_ms, char **ret_text)
{
    _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_(sd_bus_error_free) sd_bus_error ignored = SD_BUS_ERROR_NULL;
    _cleanup_(cleanup_bus) sd_bus *bus = NULL;
    char name[MACHINE_NAME_SIZE];
    int r = bus_open(timeout_ms * UINT64_C(1000), &bus);

    if (r < 0)
        return r == -ETIMEDOUT ? explain(ret_text, r, "the system bus does not answer", NULL) : 0;
    r = unregister_all(bus, machine->uuid, &error);
    if (r < 0)
        return explain(ret_text, r, "systemd-machined does not forget the VM", &error);
    r = -EEXIST;
    for (unsigned i = 0; i < MACHINE_NAMES && r == -EEXIST; i++) {
        machine_name(machine->name, machine->uuid, i, name);
        r = register_as(bus, machine, name, timeout_ms, &error);
    }
    /* A guest may have powered off by now. */
    if (r < 0 && kill((pid_t)machine->leader, 0) < 0 && errno == ESRCH)
        return 0;
    /* The first call would have started it, too; it does not tell apart why it was in vain. */
    if (r < 0 && start_machined(bus, &ignored) == 0)
        return 0;
    if (r < 0)
        return explain(ret_text, r, "systemd-machined does not take the VM", &error);
    *ret_text = strdup(name);
    return 1;
}

int machined_unregister(const char *uuid, unsigned timeout_ms, char **ret_text)
{
    _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_(cleanup_bus) sd_bus *bus = NULL;
    _cleanup_free_ char *name = NULL;
    int r;

    if (is_in_unit(uuid) && sd_pid_get_machine_name(0, &name) < 0)
        return 0;
    r = bus_open(timeout_ms * UINT64_C(1000), &bus);
    /* Without a bus nothing was registered; and machined forgets a VM whose unit has ended. */
    if (r < 0)
        return 0;
    r = unregister_all(bus, uuid, &error);
    return r < 0 ? explain(ret_text, r, "systemd-machined does not forget the VM", &error) : r;
}
