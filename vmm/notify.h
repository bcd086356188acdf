/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Word to systemd (sd_notify(3)), over a socket that is connected once, before the lock-down. */
#pragma once

#include "vmm/cleanup.h"

struct notify {
    int fd;                 /* -EBADF where nobody listens */
    uint64_t watchdog_usec; /* systemd's limit between two WATCHDOG=1; 0: none asked for */
};

/* Connects to $NOTIFY_SOCKET, where there is one. 0 or -errno; logs. */
int notify_init(struct notify *notify);
void notify_done(struct notify *notify);

/*
 * Sends one message, as of printf. Waits five seconds for a busy PID 1 at most; -EAGAIN then, or
 * another -errno. 0 also where nobody listens.
 */
int notify_send(const struct notify *notify, const char *format, ...) _printf_(2, 3);
