// SPDX-License-Identifier: LGPL-2.1-or-later
/* The watchdog of a unit that is frozen. */
#include "generator/freezing.h"

#include <string.h>
#include <systemd/sd-daemon.h>

#include "generator/bus.h"
#include "generator/systemd-unit.h"

#define SERVICE       "org.freedesktop.systemd1"
#define PATH          "/org/freedesktop/systemd1"
#define INTERFACE     SERVICE ".Manager"
#define NOTIFY_SOCKET "/run/systemd/notify"

#define TIMEOUT_USEC (5 * UINT64_C(1000000))

enum {
    HEEDED_SINCE = 258,
    UNIT_NAME_SIZE = 64,
};

/* Longer than anybody waits; "infinity" does not outlive a daemon-reload in all versions. */
#define FROZEN_USEC (UINT64_C(1000000) * 86400 * 365 * 100)
/* Until the VMM, which goes on, says what its limit is. */
#define THAWED_USEC (60 * UINT64_C(1000000))

static int explain(char **ret_text, int r, const sd_bus_error *error)
{
    *ret_text = strdup(error->message ?: strerror(-r));
    return r;
}

bool freezing_is_not_heeded(const char *version)
{
    unsigned long n = strtoul(version + strcspn(version, "0123456789"), NULL, 10);

    return n > 0 && n < HEEDED_SINCE;
}

bool freezing_is_frozen(const char *text)
{
    return strstr(text, "frozen 1") != NULL;
}

static void path_unit(const char *uuid, char name[static UNIT_NAME_SIZE])
{
    (void)snprintf(name, UNIT_NAME_SIZE, "volt-freeze@%s.path", uuid);
}

/* Calls StartUnit or StopUnit for the VM's path unit. */
static int call(sd_bus *bus, const char *method, const char *uuid, sd_bus_error *error)
{
    char name[UNIT_NAME_SIZE];

    path_unit(uuid, name);
    return sd_bus_call_method(bus, SERVICE, PATH, INTERFACE, method, error, NULL, "ss", name,
                              "replace");
}

int freezing_watch(sd_bus **bus, const char *uuid, char **ret_text)
{
    _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_free_ char *version = NULL;
    int r = systemd_open_once(SYSTEMD_ADDRESS, TIMEOUT_USEC, bus);

    if (r >= 0)
        r = sd_bus_get_property_string(*bus, SERVICE, PATH, INTERFACE, "Version", &error, &version);
    if (r >= 0 && freezing_is_not_heeded(version))
        r = call(*bus, "StartUnit", uuid, &error);
    return r < 0 ? explain(ret_text, r, &error) : 0;
}

int freezing_unwatch(sd_bus **bus, const char *uuid, char **ret_text)
{
    _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
    char name[UNIT_NAME_SIZE];
    int r = systemd_open_once(SYSTEMD_ADDRESS, TIMEOUT_USEC, bus);

    /* As a rule it was stopped before the VM, or never started. To be told so is less than to have
     * it loaded for a job that does nothing. */
    path_unit(uuid, name);
    if (r >= 0)
        r = sd_bus_call_method(*bus, SERVICE, PATH, INTERFACE, "GetUnit", &error, NULL, "s", name);
    if (r >= 0)
        r = call(*bus, "StopUnit", uuid, &error);
    if (r < 0 && sd_bus_error_has_name(&error, SERVICE ".NoSuchUnit"))
        return 0;
    return r < 0 ? explain(ret_text, r, &error) : 0;
}

static FILE *open_group(const char *group, const char *name, const char *mode)
{
    _cleanup_free_ char *path = NULL;

    return asprintf(&path, "/sys/fs/cgroup%s/%s", group, name) < 0 ? NULL : fopen(path, mode);
}

static bool group_is_frozen(const char *group)
{
    _cleanup_fclose_ FILE *f = open_group(group, "cgroup.events", "re");
    char text[256];

    text[f ? fread(text, 1, sizeof(text) - 1, f) : 0] = '\0';
    return freezing_is_frozen(text);
}

static int group_thaw(const char *group)
{
    FILE *f = open_group(group, "cgroup.freeze", "we");

    if (!f)
        return errno == ENOENT ? 0 : -errno;
    bool written = fputs("0", f) >= 0;
    return fclose(f) == 0 && written ? 0 : -errno;
}

int freezing_tell(const char *uuid, char **ret_text)
{
    _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_(cleanup_bus) sd_bus *bus = NULL;
    _cleanup_free_ char *unit_path = NULL, *group = NULL;
    char name[UNIT_NAME_SIZE];
    uint32_t pid = 0;
    int r = systemd_open(SYSTEMD_ADDRESS, TIMEOUT_USEC, &bus);

    (void)snprintf(name, sizeof(name), "volt-vm@%s.service", uuid);
    if (r >= 0)
        r = sd_bus_path_encode(PATH "/unit", name, &unit_path);
    if (r >= 0)
        r = sd_bus_get_property_trivial(bus, SERVICE, unit_path, SERVICE ".Service", "MainPID",
                                        &error, 'u', &pid);
    if (r >= 0)
        r = sd_bus_get_property_string(bus, SERVICE, unit_path, SERVICE ".Service", "ControlGroup",
                                       &error, &group);
    bool frozen = r >= 0 && group_is_frozen(group);
    /* Killed while it was frozen: what cleans up after it would be frozen, too, and systemd does
     * not thaw a unit that is about to end. */
    if (r >= 0 && pid == 0 && frozen)
        r = group_thaw(group);
    if (r >= 0 && pid > 0) {
        (void)setenv("NOTIFY_SOCKET", NOTIFY_SOCKET, true);
        r = sd_pid_notifyf((pid_t)pid, 0, "WATCHDOG_USEC=%llu",
                           (unsigned long long)(frozen ? FROZEN_USEC : THAWED_USEC));
    }
    return r < 0 ? explain(ret_text, r, &error) : 0;
}
