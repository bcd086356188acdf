/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of an INI file as sections and settings, each with its line: inih, made strict.
 *
 * inih splits what is too long for its buffer in two without a word, cuts section names at 49
 * bytes, ignores what follows a ']', joins an indented line to the one before, takes ':' for '=',
 * and does not tell which line it is at. So every line passes read_line() before inih sees it. */
#include "generator/ini-reader.h"

#include <ini.h>
#include <stdarg.h>
#include <string.h>

#include "generator/problem.h"

#define BLANKS " \t"

struct reader {
    const char *next, *end; /* what is still to be read */
    unsigned line;          /* the number of the line read last */
    const struct ini_events *events;
    void *user;
};

static void error(const struct reader *reader, const char *raw, const char *format, ...)
    _printf_(3, 4);

static void error(const struct reader *reader, const char *raw, const char *format, ...)
{
    char text[200];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    reader->events->error(reader->user, reader->line, text, raw);
}

/* Whether every character of the line may be there. */
static bool check_characters(const struct reader *reader, const char *line, size_t length)
{
    const char *end = line + length;

    for (const char *p = line; p < end;) {
        size_t n = printable_length(p, end);

        if (n > 0) {
            p += n;
            continue;
        }
        if (*p == '\0')
            error(reader, "", "column %td is a NUL byte; the file must be plain text",
                  p - line + 1);
        else if ((unsigned char)*p < 0x80)
            error(reader, "", "column %td is the control character \\x%02x; remove it",
                  p - line + 1, (unsigned char)*p);
        else
            error(reader, "",
                  "column %td (byte \\x%02x) is no printable UTF-8; remove it or convert the file",
                  p - line + 1, (unsigned char)*p);
        return false;
    }
    return true;
}

/* Checks a line that begins with '[' and announces the section. */
static bool check_section(const struct reader *reader, char *line)
{
    char *name = line + 1 + strspn(line + 1, BLANKS), *close = strchr(line, ']'), *rest;

    if (!close) {
        error(reader, line, "the section name has no ']' at its end");
        return false;
    }
    rest = close + 1 + strspn(close + 1, BLANKS);
    if (*rest != '\0' && *rest != ';') {
        error(reader, line, "there is text after ']'; put it on a line of its own%s",
              *rest == '#' ? " (a comment at a line's end begins with ';')" : "");
        return false;
    }
    while (close > name && strchr(BLANKS, close[-1]))
        close--;
    *close = '\0';
    reader->events->section(reader->user, reader->line, name);
    return false; /* inih would cut the name, and has nothing to add */
}

/* Whether the line is key = value. */
static bool check_setting(const struct reader *reader, const char *line)
{
    size_t key = strcspn(line, "=:;");

    if (line[key] == '=' && key > 0)
        return true;
    if (line[key] == '=')
        error(reader, line, "there is no key before '='; write key = value");
    else if (line[key] == ':')
        error(reader, line, "':' stands where '=' belongs; write key = value");
    else
        error(reader, line, "there is no '='; write key = value, [section], or # comment");
    return false;
}

/* Takes the next line, without its end. Returns false at the end of the file. */
static bool next_line(struct reader *reader, const char **ret_line, size_t *ret_length)
{
    const char *line = reader->next, *newline;
    size_t length;

    if (line >= reader->end)
        return false;
    newline = memchr(line, '\n', (size_t)(reader->end - line));
    length = (size_t)((newline ? newline : reader->end) - line);
    reader->next = newline ? newline + 1 : reader->end;
    reader->line++;
    if (newline && length > 0 && line[length - 1] == '\r')
        length--;
    *ret_line = line;
    *ret_length = length;
    return true;
}

/* The ini_reader: fills BUFFER with the next line that inih may see. */
static char *read_line(char *buffer, int size, void *stream)
{
    struct reader *reader = stream;
    size_t length, max = size > 3 ? (size_t)size - 3 : 0;
    const char *line;

    while (next_line(reader, &line, &length)) {
        while (length > 0 && strchr(BLANKS, *line) && *line != '\0')
            line++, length--;
        if (length == 0)
            continue;
        if (length > max) {
            error(reader, "", "the line has %zu bytes; at most %zu are read", length, max);
            continue;
        }
        if (!check_characters(reader, line, length) || *line == '#' || *line == ';')
            continue;
        memcpy(buffer, line, length);
        buffer[length] = '\0';
        if (buffer[0] == '[' ? !check_section(reader, buffer) : !check_setting(reader, buffer))
            continue;
        buffer[length] = '\n';
        buffer[length + 1] = '\0';
        return buffer;
    }
    return NULL;
}

static int handle_setting(void *user, _unused_ const char *section, const char *key,
                          const char *value)
{
    const struct reader *reader = user;

    reader->events->setting(reader->user, reader->line, key, value);
    return 1;
}

int ini_read(const char *text, size_t size, const struct ini_events *events, void *user)
{
    struct reader reader = {.next = text, .end = text + size, .events = events, .user = user};
    int r;

    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        reader.next += 3;
#ifdef HAVE_INI_MAX_LINE
    ini_max_line = INI_LINE_MAX + 3;
#endif
    r = ini_parse_stream(read_line, &reader, handle_setting, &reader);
    if (r == -2)
        return -ENOMEM;
    if (r > 0) /* not seen so far: read_line() is the stricter one */
        error(&reader, "", "the INI parser refuses a line");
    return 0;
}
