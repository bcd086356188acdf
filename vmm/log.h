/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages for the journal: one line each on standard error, with systemd's <N> priority prefix. */
#pragma once

#include "vmm/cleanup.h"

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_NOTICE = 5,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7,
};

/* Messages above LEVEL are dropped. Standard error that is not the journal gets no prefix. */
void log_setup(enum log_level level);

/* Whether FD is the stream to the journal that systemd set up ($JOURNAL_STREAM, systemd.exec(5)).
 */
bool log_is_journal(int fd);

/* Whether lines begin with a priority for the journal. */
bool log_has_prefix(void);

/* One write(2) per message, so that threads do not mix lines. Keeps errno. */
void log_message(enum log_level level, const char *format, ...) _printf_(2, 3);

/* The first error that was logged, or NULL: the one that knows the cause. */
const char *log_first_error(void);

#define log_error(...)   log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_message(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_message(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* Logs an error and yields R, a negative errno: `return log_errno(r, "Cannot …: %s", …)`. */
#define log_errno(r, ...)                                                                          \
    ({                                                                                             \
        int _r = (r);                                                                              \
        log_error(__VA_ARGS__);                                                                    \
        _r;                                                                                        \
    })
