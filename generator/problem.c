/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong with a VM's description: a list of FILE:LINE: text, for people and for units. */
#include "generator/problem.h"

#include <stdarg.h>
#include <string.h>

#define TEXT_MAX 900 /* a message; /dev/kmsg takes about 1,000 bytes at once */

int source_new(const char *path, const char *label, struct source **ret_source)
{
    struct source *source = calloc(1, sizeof(*source));

    if (!source)
        return -ENOMEM;
    source->path = strdup(path);
    source->label = strdup(label);
    if (!source->path || !source->label) {
        source_free(source);
        return -ENOMEM;
    }
    *ret_source = source;
    return 0;
}

void source_free(struct source *source)
{
    if (!source)
        return;
    free(source->path);
    free(source->label);
    free(source);
}

size_t printable_length(const char *text, const char *end)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t left = (size_t)(end - text), length;
    uint32_t c, least;

    if (left == 0)
        return 0;
    if (s[0] < 0x80)
        return (s[0] >= 0x20 && s[0] != 0x7f) || s[0] == '\t' ? 1 : 0;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        length = 2, least = 0x80, c = s[0] & 0x1fu;
    else if (s[0] >= 0xe0 && s[0] <= 0xef)
        length = 3, least = 0x800, c = s[0] & 0xfu;
    else if (s[0] >= 0xf0 && s[0] <= 0xf4)
        length = 4, least = 0x10000, c = s[0] & 7u;
    else
        return 0;
    if (left < length)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    if (c < 0xa0 || c == 0x2028 || c == 0x2029)
        return 0;
    return length;
}

int quote_length(const char *text)
{
    const char *end = text + strlen(text), *p = text;

    while (p < end) {
        size_t length = printable_length(p, end);

        if (length == 0)
            length = 1;
        if ((size_t)(p - text) + length > QUOTE_MAX)
            break;
        p += length;
    }
    return (int)(p - text);
}

void write_printable(const char *text, size_t max, FILE *f)
{
    const char *end = text + strlen(text), *stop = (size_t)(end - text) > max ? text + max : end;

    while (text < stop) {
        size_t length = printable_length(text, end);

        if (length > 0 && *text != '\t') {
            (void)fwrite(text, 1, length, f);
            text += length;
        } else {
            (void)fprintf(f, "\\x%02x", (unsigned char)*text);
            text++;
        }
    }
    if (text < end)
        (void)fputs("...", f);
}

/* Formats and cleans a message. NULL when there is no memory. */
static char *format_text(const char *format, va_list ap) _printf_(1, 0);

static char *format_text(const char *format, va_list ap)
{
    _cleanup_free_ char *raw = NULL;
    _cleanup_free_ char *text = NULL;
    size_t size;
    FILE *f;

    if (vasprintf(&raw, format, ap) < 0) {
        raw = NULL;
        return NULL;
    }
    f = open_memstream(&text, &size);
    if (!f)
        return NULL;
    write_printable(raw, TEXT_MAX, f);
    if (fclose(f) != 0)
        return NULL;
    return TAKE_PTR(text);
}

static void insert(struct problems *problems, bool first, struct origin origin, const char *format,
                   va_list ap) _printf_(4, 0);

static void insert(struct problems *problems, bool first, struct origin origin, const char *format,
                   va_list ap)
{
    struct problem *items;
    char *text;

    if (problems->count >= PROBLEMS_MAX && !first) {
        problems->dropped++;
        return;
    }
    text = format_text(format, ap);
    items = reallocarray(problems->items, problems->count + 1, sizeof(*items));
    if (items)
        problems->items = items;
    if (!text || !items) {
        free(text);
        problems->no_memory = true;
        return;
    }
    if (first)
        memmove(items + 1, items, problems->count * sizeof(*items));
    items[first ? 0 : problems->count] = (struct problem){.origin = origin, .text = text};
    problems->count++;
}

void problems_add(struct problems *problems, struct origin origin, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    insert(problems, false, origin, format, ap);
    va_end(ap);
}

void problems_add_first(struct problems *problems, struct origin origin, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    insert(problems, true, origin, format, ap);
    va_end(ap);
}

void problems_done(struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        free(problems->items[i].text);
    free(problems->items);
    *problems = (struct problems){0};
}

void problem_write(const struct problem *problem, bool full, FILE *f)
{
    const struct source *source = problem->origin.source;

    write_printable(full ? source->path : source->label, SIZE_MAX, f);
    if (problem->origin.line > 0)
        (void)fprintf(f, ":%u", problem->origin.line);
    (void)fprintf(f, ": %s", problem->text);
}
