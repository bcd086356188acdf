/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way out: ^] three times within a second. What turns out to be no way out is typed after all.
 */
#pragma once

#include "vmm/cleanup.h"

enum {
    ESCAPE_KEY = 0x1d, /* ^] */
    ESCAPE_TIMES = 3,
    ESCAPE_MS = 1000,
};

struct escape {
    unsigned held; /* keys that were pressed and not passed on */
    uint64_t first_ms;
};

/*
 * Takes N bytes of INPUT at the time NOW_MS; what is to be passed on goes to RET, which has room
 * for N + ESCAPE_TIMES. Returns how many, with *RET_LEAVE where the way out was taken.
 */
size_t escape_filter(struct escape *escape, uint64_t now_ms, const char *input, size_t n, char *ret,
                     bool *ret_leave);

/* When the time is over: how many of the key are to be passed on. */
unsigned escape_expire(struct escape *escape, uint64_t now_ms);

/* How long to wait for that, in ms; -1: it is not under way. */
int escape_timeout(const struct escape *escape, uint64_t now_ms);
