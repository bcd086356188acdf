// SPDX-License-Identifier: LGPL-2.1-or-later
/* Asking systemd-networkd over D-Bus (org.freedesktop.network1). */
#include "generator/networkd.h"

#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#define UNIT_PATH "/org/freedesktop/systemd1/unit/systemd_2dnetworkd_2eservice"

static void cleanup_bus(sd_bus **bus)
{
    (void)sd_bus_close_unref(*bus);
}

static void cleanup_message(sd_bus_message **m)
{
    (void)sd_bus_message_unref(*m);
}

static uint64_t now_usec(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Connects and says hello. sd_bus_call() would do so by itself, and give a bus that does not answer
 * its own 90 seconds, whatever the call's time limit. */
static int bus_open(uint64_t timeout_usec, sd_bus **ret)
{
    _cleanup_(cleanup_bus) sd_bus *bus = NULL;
    uint64_t deadline = now_usec() + timeout_usec;
    int r;

    r = sd_bus_open_system(&bus);
    if (r >= 0)
        r = sd_bus_set_method_call_timeout(bus, timeout_usec);
    while (r >= 0 && (r = sd_bus_is_ready(bus)) == 0) {
        uint64_t now = now_usec();

        if (now >= deadline)
            return -ETIMEDOUT;
        r = sd_bus_process(bus, NULL);
        if (r == 0)
            r = sd_bus_wait(bus, deadline - now);
    }
    if (r < 0)
        return r;
    *ret = TAKE_PTR(bus);
    return 0;
}

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

static bool nobody_has_the_name(const sd_bus_error *error)
{
    return sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
           sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
}

int networkd_reload(unsigned timeout_ms, char **ret_why)
{
    _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_(cleanup_message) sd_bus_message *m = NULL;
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
    if (nobody_has_the_name(&error) && !networkd_is_started(bus))
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
