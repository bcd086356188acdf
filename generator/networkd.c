// SPDX-License-Identifier: LGPL-2.1-or-later
/* Asking systemd-networkd over D-Bus (org.freedesktop.network1). */
#include "generator/networkd.h"

#include <string.h>

#include "generator/bus.h"

#define UNIT_PATH "/org/freedesktop/systemd1/unit/systemd_2dnetworkd_2eservice"

static int explain(char **ret_why, int r, const char *what, const char *detail)
{
    if (asprintf(ret_why, "%s: %s", what, detail) < 0)
        *ret_why = NULL;
    return r;
}

/* networkd takes its name on the bus some time after it started (at boot the bus comes late): ask
 * systemd whether waiting is of use. */
static bool networkd_is_started(sd_bus *bus)
{
    _cleanup_free_ char *state = NULL;

    if (sd_bus_get_property_string(bus, "org.freedesktop.systemd1", UNIT_PATH,
                                   "org.freedesktop.systemd1.Unit", "ActiveState", NULL,
                                   &state) < 0)
        return false;
    return strcmp(state, "inactive") && strcmp(state, "failed") && strcmp(state, "deactivating");
}

int networkd_reload(unsigned timeout_ms, char **ret_why)
{
    _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_(cleanup_bus_message) sd_bus_message *m = NULL;
    _cleanup_(cleanup_bus) sd_bus *bus = NULL;
    int r;

    r = bus_open(timeout_ms * UINT64_C(1000), &bus);
    if (r < 0)
        /* At boot the socket is there some time before the bus. */
        return explain(ret_why, r == -ETIMEDOUT ? r : -ENOENT,
                       "the system bus (package dbus) does not answer", strerror(-r));
    r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.network1",
                                       "/org/freedesktop/network1",
                                       "org.freedesktop.network1.Manager", "Reload");
    if (r < 0)
        return explain(ret_why, r, "cannot ask systemd-networkd", strerror(-r));
    /* Whoever turned networkd off does not want it back by way of bus activation. */
    (void)sd_bus_message_set_auto_start(m, false);
    r = sd_bus_call(bus, m, timeout_ms * UINT64_C(1000), &error, NULL);
    if (r >= 0)
        return 0;
    if (bus_nobody_has_the_name(&error) && !networkd_is_started(bus))
        return explain(ret_why, -ENOENT, "systemd-networkd is not running",
                       "`systemctl enable --now systemd-networkd` turns it on (Debian has it off)");
    return explain(ret_why, r == -ENOENT ? -EIO : r, "systemd-networkd does not reload",
                   error.message ? error.message : strerror(-r));
}

bool networkd_is_off(unsigned timeout_ms)
{
    _cleanup_(cleanup_bus) sd_bus *bus = NULL;
    int r = bus_open(timeout_ms * UINT64_C(1000), &bus);

    return r < 0 ? r != -ETIMEDOUT : !networkd_is_started(bus);
}
