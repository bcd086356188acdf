/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a device answers to a new configuration: lines of text in a buffer. */
#pragma once

#include "vmm/cleanup.h"

enum { REPLY_SIZE = 2048 };

/* How a line ends that tells of what cannot change while the guest runs. */
#define REPLY_AT_NEXT_START " takes effect at the next start"

/* Appends a line to REPLY, a string in SIZE bytes; one that has no room is left out as a whole. */
void reply_add(char *reply, size_t size, const char *format, ...) _printf_(3, 4);

/*
 * Compares two values of a device's option, as "ID,KEY=VALUE,WORD,KEY=VALUE" (in any order), and
 * adds "KEY: OLD → NEW takes effect at the next start" for each difference, but for the keys in
 * LIVE (ends with NULL; may be NULL), which are the caller's to apply. Returns how many it told.
 */
unsigned reply_add_deferred(char *reply, size_t size, const char *old_argument,
                            const char *new_argument, const char *const *live);
