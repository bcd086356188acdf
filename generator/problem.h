/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong with a VM's description: a list of FILE:LINE: text, for people and for units. */
#pragma once

#include "vmm/cleanup.h"

/* A file that messages point at. */
struct source {
    char *path;  /* absolute, as the machine sees it */
    char *label; /* short: "web.ini", "web.ini.d/10-net.conf" */
};

/* The place where something was said. source is NULL where it was not said at all. */
struct origin {
    const struct source *source;
    unsigned line; /* from 1; 0 means the file as a whole */
};

struct problem {
    struct origin origin;
    char *text; /* one line of printable UTF-8 */
};

struct problems {
    struct problem *items;
    size_t count;
    size_t dropped; /* beyond PROBLEMS_MAX: counted, not kept */
    bool no_memory; /* at least one could not be stored */
};

#define PROBLEMS_MAX 100

/* Makes a source from copies of PATH and LABEL. Returns 0 or -ENOMEM. */
int source_new(const char *path, const char *label, struct source **ret_source);
void source_free(struct source *source);

/* Adds a problem. Whatever the text quotes is made harmless: control characters and bytes that are
 * not UTF-8 become \xNN. The ORIGIN's source must outlive the list. */
void problems_add(struct problems *problems, struct origin origin, const char *format, ...)
    _printf_(3, 4);

/* As problems_add(), but in front of all the others. */
void problems_add_first(struct problems *problems, struct origin origin, const char *format, ...)
    _printf_(3, 4);

void problems_done(struct problems *problems);

/* Writes "web.ini:12: text", or "web.ini: text" where there is no line; with FULL, the path in
 * place of the label. No newline. */
void problem_write(const struct problem *problem, bool full, FILE *f);

/* Writes TEXT with control characters, broken UTF-8 and line separators as \xNN; at most MAX bytes
 * of it, then "...". */
void write_printable(const char *text, size_t max, FILE *f);

/* The length of the UTF-8 sequence at TEXT, which ends at END: 1 to 4, or 0 where it is none that
 * may be shown: broken, over-long, a surrogate, or a control character (C0 but for tab, DEL, C1).
 */
size_t printable_length(const char *text, const char *end);

enum { QUOTE_MAX = 60 }; /* bytes of a value that a message shows */

/* How much of TEXT that is: never a part of a letter. */
int quote_length(const char *text);

/* The arguments of "%.*s". */
#define QUOTED(text) quote_length(text), text
