/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log: formats a line and writes it at once. */
#include "vmm/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

static enum log_level max_level = LOG_LEVEL_INFO;
static bool with_prefix;
static atomic_bool has_first_error; /* claims first_error for one thread */
static char first_error[256];

bool log_is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &st) == 0 &&
           st.st_dev == device && st.st_ino == inode;
}

void log_setup(enum log_level level)
{
    max_level = level;
    with_prefix = log_is_journal(STDERR_FILENO);
}

bool log_has_prefix(void)
{
    return with_prefix;
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
    if (level <= LOG_LEVEL_ERROR && !atomic_exchange(&has_first_error, true))
        (void)snprintf(first_error, sizeof(first_error), "%.*s", (int)sizeof(first_error) - 1,
                       line + n);
    size_t len = (size_t)n + (size_t)m;
    if (len > sizeof(line) - 2)
        len = sizeof(line) - 2;
    line[len++] = '\n';
    ssize_t written _unused_ = write(STDERR_FILENO, line, len);
    errno = saved;
}

const char *log_first_error(void)
{
    return atomic_load(&has_first_error) ? first_error : NULL;
}
