// SPDX-License-Identifier: LGPL-2.1-or-later
/* The system bus, for helpers that must not wait for long. */
#include "generator/bus.h"
#include "generator/clock.h"

/* sd_bus_call() would connect by itself, and give a bus that does not answer its own 90 seconds,
 * whatever the call's time limit. */
int bus_open(uint64_t timeout_usec, sd_bus **ret)
{
    _cleanup_(cleanup_bus) sd_bus *bus = NULL;
    uint64_t deadline = clock_now_usec() + timeout_usec;
    int r;

    r = sd_bus_open_system(&bus);
    if (r >= 0)
        r = sd_bus_set_method_call_timeout(bus, timeout_usec);
    while (r >= 0 && (r = sd_bus_is_ready(bus)) == 0) {
        uint64_t now = clock_now_usec();

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

bool bus_nobody_has_the_name(const sd_bus_error *error)
{
    return sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
           sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
}
