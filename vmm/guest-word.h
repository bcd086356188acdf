/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest's service manager says of itself (sd_notify(3)): lines KEY=VALUE, of which each
 * counts that makes sense. */
#pragma once

#include "vmm/cleanup.h"

enum {
    GUEST_WORD_STATUS_SIZE = 200,
    GUEST_WORD_LINES_MAX = 64, /* of one message; what comes after is dropped */
};

enum guest_shutdown {
    GUEST_SHUTDOWN_NONE,
    GUEST_SHUTDOWN_POWEROFF,
    GUEST_SHUTDOWN_REBOOT,
    GUEST_SHUTDOWN_HALT,
    GUEST_SHUTDOWN_KEXEC,
    GUEST_SHUTDOWNS,
};

struct guest_word {
    bool ready;      /* READY=1 */
    bool has_status; /* STATUS= */
    bool has_exit;   /* EXIT_STATUS= */
    uint8_t exit_status;
    enum guest_shutdown shutdown;        /* X_SYSTEMD_SHUTDOWN= */
    char status[GUEST_WORD_STATUS_SIZE]; /* cut to its size; may hold any byte but NUL */
    char active[64]; /* X_SYSTEMD_UNIT_ACTIVE=, the last one; a unit's name or "" */
};

/* Reads SIZE bytes, which are a guest's. */
void guest_word_parse(const char *text, size_t size, struct guest_word *ret);

/* "powers off", "reboots" … */
const char *guest_shutdown_text(enum guest_shutdown shutdown);
