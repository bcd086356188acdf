/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text from outside in a unit file: the one way in, and no way out of its place. */
#include "generator/unit-escape.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "generator/problem.h"

/* Whether a word may stand without quotes. */
static bool is_plain_word(const char *text)
{
    if (*text == '\0')
        return false;
    for (const char *p = text; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("_-+=:,./@%$", *p))
            return false;
    return true;
}

static void write_character(FILE *f, const char *p, size_t length, enum unit_context context)
{
    bool quoted = context == UNIT_WORD || context == UNIT_EXEC_ARGUMENT;

    if (length == 0 || *p == '\t')
        (void)fprintf(f, "\\x%02x", (unsigned char)*p);
    else if (*p == '%' && context != UNIT_COMMENT)
        (void)fputs("%%", f);
    else if (*p == '$' && context == UNIT_EXEC_ARGUMENT)
        (void)fputs("$$", f);
    else if ((*p == '"' || *p == '\\') && quoted)
        (void)fprintf(f, "\\%c", *p);
    else if (*p == '\\' && p[1] == '\0')
        (void)fputs("\\x5c", f); /* would join the next line to this one */
    else
        (void)fwrite(p, 1, length, f);
}

/* What stands around the text of an argument, and is ours; or NULL. */
struct surroundings {
    const char *option, *before, *after;
};

static void write_variable(FILE *f, const char *name)
{
    if (name)
        (void)fprintf(f, "${%s}", name);
}

static void write_quoted(FILE *f, const char *text, const struct surroundings *around,
                         enum unit_context context)
{
    const char *end = text + strlen(text);
    bool quote = (context == UNIT_WORD || context == UNIT_EXEC_ARGUMENT) && !is_plain_word(text) &&
                 (*text || !around->option);

    if (quote)
        (void)fputc('"', f);
    if (around->option)
        (void)fputs(around->option, f);
    write_variable(f, around->before);
    for (const char *p = text; p < end;) {
        size_t length = printable_length(p, end);

        write_character(f, p, length, context);
        p += length > 0 ? length : 1;
    }
    write_variable(f, around->after);
    if (quote)
        (void)fputc('"', f);
}

void unit_escape(FILE *f, const char *text, enum unit_context context)
{
    write_quoted(f, text, &(struct surroundings){0}, context);
}

static void write_argument(FILE *f, const struct surroundings *around, const char *format,
                           va_list ap) _printf_(3, 0);

static void write_argument(FILE *f, const struct surroundings *around, const char *format,
                           va_list ap)
{
    char text[UNIT_ARGUMENT_MAX];
    int n _unused_ = vsnprintf(text, sizeof(text), format, ap);

    assert(n >= 0 && (size_t)n < sizeof(text)); /* the parsers bound every part */
    (void)fputs(" \\\n    ", f);
    write_quoted(f, text, around, UNIT_EXEC_ARGUMENT);
}

void unit_write_argument(FILE *f, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    write_argument(f, &(struct surroundings){0}, format, ap);
    va_end(ap);
}

void unit_write_argument_and(FILE *f, const char *variable, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    write_argument(f, &(struct surroundings){.after = variable}, format, ap);
    va_end(ap);
}

void unit_write_argument_between(FILE *f, const char *option, const char *before, const char *after,
                                 const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    write_argument(f, &(struct surroundings){.option = option, .before = before, .after = after},
                   format, ap);
    va_end(ap);
}
