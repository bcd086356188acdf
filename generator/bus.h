/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The system bus, for helpers that must not wait for long. */
#pragma once

#include <systemd/sd-bus.h>

#include "vmm/cleanup.h"

/* Connects and says hello; calls have the time limit from then on. Returns 0, -ETIMEDOUT where the
 * bus does not answer within TIMEOUT_USEC, or -errno where there is none. */
int bus_open(uint64_t timeout_usec, sd_bus **ret);

/* Whether the error says that nobody has the name that was called, nor can be started for it. */
bool bus_nobody_has_the_name(const sd_bus_error *error);

static inline void cleanup_bus(sd_bus **bus)
{
    (void)sd_bus_close_unref(*bus);
}

static inline void cleanup_bus_message(sd_bus_message **m)
{
    (void)sd_bus_message_unref(*m);
}
