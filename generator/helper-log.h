/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What volt-net and volt-open say: to the journal, to a person, and to `systemctl status`. */
#pragma once

#include "vmm/cleanup.h"

/* Writes one line to stderr, with the journal's "<LEVEL>" in front where stderr is the journal,
 * with the program's name where it is anything else. LEVEL is one of LOG_ERR … LOG_INFO. */
void helper_log(int level, const char *format, ...) _printf_(2, 3);

/* Logs an error, and makes the same text the unit's STATUS= where systemd listens: the one line
 * that `systemctl status` shows for a VM that did not start. Returns R, so that it ends a path. */
int helper_fail(int r, const char *format, ...) _printf_(2, 3);

/* Makes TEXT valid UTF-8 of at most MAX bytes, in place, as systemd wants a STATUS= to be: a wrong
 * byte becomes '?', and where it is too long its middle becomes "...": the cause is at the end. */
void helper_shorten(char *text, size_t max);
