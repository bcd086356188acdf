// SPDX-License-Identifier: LGPL-2.1-or-later
/* What volt-net and volt-open say: to the journal, to a person, and to `systemctl status`. */
#include "generator/helper-log.h"
#include "generator/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

/* Room for a path and what is said about it. */
#define LINE_SIZE  8192
#define STATUS_MAX 1000

/* $JOURNAL_STREAM is inherited by whatever a service starts: only when it names stderr itself does
 * the journal read what is written there. See systemd.exec(5). */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    struct stat st;

    return stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static void write_line(int level, const char *line)
{
    if (stderr_is_journal())
        fprintf(stderr, "<%d>%s\n", level, line);
    else
        fprintf(stderr, "%s: %s\n", program_invocation_short_name, line);
}

/* A text of two lines would be two journal entries, or a second field of a notification. */
static void format_line(char *line, const char *format, va_list ap) _printf_(2, 0);

static void format_line(char *line, const char *format, va_list ap)
{
    (void)vsnprintf(line, LINE_SIZE, format, ap);
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
}

/* The bytes of the letter at P, or 0 where there is none. */
static size_t letter_length(const char *p)
{
    const unsigned char *s = (const unsigned char *)p;
    size_t length;

    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, and what is beyond Unicode. */
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return length;
}

static bool is_inside_letter(const char *p)
{
    return ((unsigned char)*p & 0xc0) == 0x80;
}

void helper_shorten(char *text, size_t max)
{
    size_t length = strlen(text), head = max / 2, tail;

    for (char *p = text; *p;) {
        size_t letter = letter_length(p);

        if (letter == 0)
            *p = '?';
        p += letter > 0 ? letter : 1;
    }
    if (length <= max)
        return;
    tail = length - (max - head - 3);
    while (head > 0 && is_inside_letter(text + head))
        head--;
    while (tail < length && is_inside_letter(text + tail))
        tail++;
    memcpy(text + head, "...", 3);
    memmove(text + head + 3, text + tail, length - tail + 1);
}

void helper_log(int level, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list ap;

    va_start(ap, format);
    format_line(line, format, ap);
    va_end(ap);
    write_line(level, line);
}

int helper_fail(int r, const char *format, ...)
{
    char state[sizeof("STATUS=") + LINE_SIZE] = "STATUS=", *line = state + strlen(state);
    va_list ap;

    va_start(ap, format);
    format_line(line, format, ap);
    va_end(ap);
    write_line(LOG_ERR, line);
    helper_shorten(line, STATUS_MAX);
    (void)notify_send(state, -EBADF);
    return r;
}
