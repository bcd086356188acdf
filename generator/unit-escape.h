/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text from outside in a unit file: the one way in, and no way out of its place. */
#pragma once

#include "vmm/cleanup.h"

enum unit_context {
    UNIT_COMMENT,       /* behind '#' */
    UNIT_VALUE,         /* a whole value that systemd does not split: Description=, SourcePath= */
    UNIT_WORD,          /* one of several words: RequiresMountsFor= */
    UNIT_EXEC_ARGUMENT, /* one argument of an Exec line */
};

/* Writes TEXT so that systemd reads it back as it is in CONTEXT: '%' (specifiers), '$' (variables),
 * quotes, backslashes and blanks lose their meaning where they have one. Control characters and
 * broken UTF-8, which systemd would drop the whole line for, become \xNN; in an argument the
 * program gets the byte back. See systemd.syntax(7), systemd.service(5) "Command lines". */
void unit_escape(FILE *f, const char *text, enum unit_context context);

/* The longest argument: a path and what it is, or an interface and the addresses it may have. */
#define UNIT_ARGUMENT_MAX 16384

/* Writes the next argument of an Exec line, on a line of its own, escaped. */
void unit_write_argument(FILE *f, const char *format, ...) _printf_(2, 3);

/* As unit_write_argument(); the argument is OPTION, the value that BEFORE has when the command
 * starts, the text, and the value of AFTER. Either variable may be NULL. OPTION and the names are
 * ours: they are not escaped. */
void unit_write_argument_between(FILE *f, const char *option, const char *before, const char *after,
                                 const char *format, ...) _printf_(5, 6);

/* As unit_write_argument(); the value that VARIABLE has when the command starts is put at the
 * argument's end, in one word with it. The name is ours: it is not escaped. */
void unit_write_argument_and(FILE *f, const char *variable, const char *format, ...) _printf_(3, 4);
