/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Holds the keys back until it is clear what they mean. */
#include "tools/escape.h"

static size_t release(struct escape *escape, char *ret)
{
    size_t n = 0;

    while (n < escape->held)
        ret[n++] = ESCAPE_KEY;
    escape->held = 0;
    return n;
}

unsigned escape_expire(struct escape *escape, uint64_t now_ms)
{
    unsigned held = escape->held;

    if (held == 0 || now_ms - escape->first_ms < ESCAPE_MS)
        return 0;
    escape->held = 0;
    return held;
}

int escape_timeout(const struct escape *escape, uint64_t now_ms)
{
    uint64_t passed = now_ms - escape->first_ms;

    if (escape->held == 0)
        return -1;
    return passed < ESCAPE_MS ? (int)(ESCAPE_MS - passed) : 0;
}

size_t escape_filter(struct escape *escape, uint64_t now_ms, const char *input, size_t n, char *ret,
                     bool *ret_leave)
{
    size_t kept = 0;

    *ret_leave = false;
    for (unsigned late = escape_expire(escape, now_ms); late > 0; late--)
        ret[kept++] = ESCAPE_KEY;
    for (size_t i = 0; i < n; i++) {
        if (input[i] != ESCAPE_KEY) {
            kept += release(escape, ret + kept);
            ret[kept++] = input[i];
            continue;
        }
        if (escape->held++ == 0)
            escape->first_ms = now_ms;
        if (escape->held == ESCAPE_TIMES) {
            escape->held = 0;
            *ret_leave = true;
            return kept;
        }
    }
    return kept;
}
