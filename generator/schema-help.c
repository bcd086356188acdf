/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vocabulary of the INI file as text: for messages, for a terminal, for the manual. */
#include <string.h>

#include "generator/schema.h"

static void write_words(const char *words, FILE *f)
{
    const char *separator = "";

    while (*words) {
        size_t n = strcspn(words, " ");
        bool last = words[n] == '\0';

        (void)fprintf(f, "%s%.*s", separator, (int)n, words);
        words += last ? n : n + 1;
        separator = strchr(words, ' ') ? ", " : " or ";
    }
}

void setting_write_value(const struct setting *row, FILE *f)
{
    if (row->value)
        (void)fputs(row->value, f);
    else if (row->rule.words)
        write_words(row->rule.words, f);
    else if (row->parse == parse_percent)
        (void)fprintf(f, "a percentage from %u%% to %u%%", row->rule.min, row->rule.max);
    else
        (void)fprintf(f, "a whole number from %u to %u", row->rule.min, row->rule.max);
}

int setting_report(struct problems *problems, struct origin origin, const struct setting *row,
                   const char *value, const char *reason)
{
    _cleanup_free_ char *expected = NULL;
    const char *hint = "";
    size_t size;
    FILE *f = open_memstream(&expected, &size);

    if (!f)
        return -ENOMEM;
    setting_write_value(row, f);
    if (fclose(f) != 0)
        return -ENOMEM;
    if (strstr(value, " #") || strstr(value, "\t#"))
        hint = "; a comment at a line's end begins with ' ;'";
    else if (*value == '"' || *value == '\'')
        hint = "; values are written without quotes";
    problems_add(problems, origin, "%s must be %s, not '%.*s%s'%s%s%s", row->key, expected,
                 QUOTED(value), strlen(value) > QUOTE_MAX ? "..." : "", reason ? ": " : "",
                 reason ? reason : "", hint);
    return 0;
}

static const char *default_of(const struct setting *row)
{
    return row->initial ? row->initial : row->otherwise;
}

/* Writes TEXT in lines of at most 90 columns behind 8 blanks. */
static void write_paragraph(const char *text, FILE *f)
{
    size_t column = 0;

    while (*text) {
        size_t n = strcspn(text, " ");

        if (column > 0 && column + 1 + n > 82) {
            (void)fputc('\n', f);
            column = 0;
        }
        column += (size_t)fprintf(f, "%s%.*s", column == 0 ? "        " : " ", (int)n, text);
        if (column == n + 8)
            column -= 8;
        text += n;
        text += strspn(text, " ");
    }
    (void)fputc('\n', f);
}

void settings_write_help(const struct setting *rows, size_t count, enum section_kind kind, FILE *f)
{
    for (size_t i = 0; i < count; i++) {
        const struct setting *row = &rows[i];

        if (row->section != kind)
            continue;
        (void)fprintf(f, "\n    %s = ", row->key);
        setting_write_value(row, f);
        (void)fputc('\n', f);
        write_paragraph(row->help, f);
        (void)fprintf(f, "        Default: %s.\n", default_of(row));
    }
}

void schema_write_help(FILE *f)
{
    for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++) {
        const struct section_type *type = &section_types[kind];

        (void)fprintf(f, "%s[%s%s]\n", kind > 0 ? "\n" : "", type->name,
                      type->takes_id ? " ID" : "");
        write_paragraph(type->help, f);
        settings_write_help(schema, schema_count, kind, f);
    }
}

/* Writes TEXT so that roff shows it as it is. */
static void write_roff_text(const char *text, FILE *f)
{
    if (*text == '.' || *text == '\'')
        (void)fputs("\\&", f);
    for (const char *p = text; *p; p++) {
        if (*p == '\\')
            (void)fputs("\\e", f);
        else if (*p == '-')
            (void)fputs("\\-", f);
        else if (*p == '\'')
            (void)fputs("\\(aq", f);
        else
            (void)fputc(*p, f);
    }
}

void settings_write_roff(const struct setting *rows, size_t count, enum section_kind kind, FILE *f)
{
    for (size_t i = 0; i < count; i++) {
        const struct setting *row = &rows[i];
        _cleanup_free_ char *value = NULL;
        size_t size;
        FILE *memory;

        if (row->section != kind)
            continue;
        (void)fprintf(f, "\n.TP\n\\fB%s\\fP = ", row->key);
        memory = open_memstream(&value, &size);
        if (memory) {
            setting_write_value(row, memory);
            (void)fclose(memory);
            write_roff_text(value, f);
        }
        (void)fputc('\n', f);
        write_roff_text(row->help, f);
        (void)fputs("\nDefault: ", f);
        write_roff_text(default_of(row), f);
        (void)fputc('.', f);
    }
    (void)fputc('\n', f);
}

void schema_write_roff(FILE *f)
{
    for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++) {
        const struct section_type *type = &section_types[kind];

        (void)fprintf(f, ".SS [%s%s]\n", type->name, type->takes_id ? " \\fIID\\fP" : "");
        write_roff_text(type->help, f);
        settings_write_roff(schema, schema_count, kind, f);
    }
}
