/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of an INI file as sections and settings, each with its line: inih, made strict. */
#pragma once

#include "vmm/cleanup.h"

/* The longest line, in bytes, where inih lets us say so (INI_LINE_MAX + 3 is its buffer). */
#define INI_LINE_MAX 4096

/* What the reader tells its user; strings are valid during the call only. LINE counts from 1. */
struct ini_events {
    /* A section begins. NAME is what stands between the brackets, without blanks at its ends. */
    void (*section)(void *user, unsigned line, const char *name);
    /* KEY = VALUE, both without blanks at their ends, the comment removed. VALUE may be empty. */
    void (*setting)(void *user, unsigned line, const char *key, const char *value);
    /* The line cannot be used; TEXT says what is wrong and what to write instead. RAW is the line
     * itself where it is printable, else "". */
    void (*error)(void *user, unsigned line, const char *text, const char *raw);
};

/* Reads the SIZE bytes at TEXT from beginning to end, errors or not. The lines are: blank, a
 * comment
 * ('#' or ';' first), [section], or key = value; " ;" begins a comment at a line's end. Refused:
 * NUL and control characters but for tab, what is not UTF-8, lines over INI_LINE_MAX. Returns 0 or
 * -ENOMEM. */
int ini_read(const char *text, size_t size, const struct ini_events *events, void *user);
