/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What systemd knows of a service: its command lines as of the last daemon-reload. */
#pragma once

#include <systemd/sd-bus.h>

#include "vmm/cleanup.h"

struct unit_command {
    char **argv; /* as written in the unit, without quotes and %-specifiers; variables are there */
};

struct unit_commands {
    struct unit_command *items;
    size_t count;
};

#define SYSTEMD_ADDRESS "unix:path=/run/systemd/private" /* for root: there is no need of a bus */

/* Connects to systemd at ADDRESS, or to the system bus where there is nobody; calls have the time
 * limit. */
int systemd_open(const char *address, uint64_t timeout_usec, sd_bus **ret);

/* The same, unless *BUS is a connection already: for systemd each one takes as much as several
 * calls. */
int systemd_open_once(const char *address, uint64_t timeout_usec, sd_bus **bus);

/* Asks systemd at ADDRESS, or by way of the system bus where there is nobody, for the commands of
 * PROPERTY (ExecStart ...) of the unit NAME. On an error *ret_why is the cause (free it; may be
 * NULL). */
int systemd_unit_commands(const char *address, const char *name, const char *property,
                          struct unit_commands *ret, char **ret_why);
void unit_commands_done(struct unit_commands *commands);

/* The first one whose program's file is called NAME, or NULL. */
const struct unit_command *unit_commands_find(const struct unit_commands *commands,
                                              const char *name);
