/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "Did you mean …": the nearest word of a list. */
#include "generator/suggest.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define WORD_MAX 32

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int lower(char c)
{
    return tolower((unsigned char)c);
}

size_t edit_distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    size_t d[WORD_MAX + 1][WORD_MAX + 1];

    if (la > WORD_MAX || lb > WORD_MAX)
        return SIZE_MAX;
    for (size_t i = 0; i <= la; i++)
        d[i][0] = i;
    for (size_t j = 0; j <= lb; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        for (size_t j = 1; j <= lb; j++) {
            size_t change = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;

            d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + change);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[la][lb];
}

size_t suggest_rank(const char *word, const char *candidate)
{
    size_t length = strlen(candidate), distance = edit_distance(word, candidate);
    size_t allowed = length <= 3 ? 1 : length <= 6 ? 2 : 3;

    if (distance < length && distance <= allowed)
        return distance + 1;
    /* "memory" for memory_mib, "stop_timeout" for stop_timeout_sec, "networks" for network. */
    if (strlen(word) >= 3 && (strncasecmp(candidate, word, strlen(word)) == 0 ||
                              strncasecmp(candidate, word, length) == 0))
        return WORD_MAX;
    return 0;
}
