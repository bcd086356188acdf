// SPDX-License-Identifier: LGPL-2.1-or-later
/* What volt-net and volt-open say: to the journal, to a person, and to `systemctl status`. */
#include "generator/helper-log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>

#define LINE_SIZE 1024

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
    char line[LINE_SIZE];
    va_list ap;

    va_start(ap, format);
    format_line(line, format, ap);
    va_end(ap);
    write_line(LOG_ERR, line);
    (void)sd_notifyf(0, "STATUS=%s", line);
    return r;
}
