/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log: formats a line and writes it at once. */
#include "vmm/log.h"

#include <stdarg.h>
#include <string.h>

static enum log_level max_level = LOG_LEVEL_INFO;
static bool with_prefix;

void log_setup(enum log_level level)
{
    max_level = level;
    with_prefix = getenv("JOURNAL_STREAM") != NULL;
}

void log_message(enum log_level level, const char *format, ...)
{
    char line[1024];
    int saved = errno, n = 0;
    va_list ap;

    if (level > max_level)
        return;
    if (with_prefix)
        n = snprintf(line, sizeof(line), "<%d>", (int)level);
    va_start(ap, format);
    errno = saved; /* for %m */
    int m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, ap);
    va_end(ap);
    if (m < 0)
        m = 0;
    size_t len = (size_t)n + (size_t)m;
    if (len > sizeof(line) - 2)
        len = sizeof(line) - 2;
    line[len++] = '\n';
    ssize_t written _unused_ = write(STDERR_FILENO, line, len);
    errno = saved;
}
