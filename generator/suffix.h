/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ends of file names. */
#pragma once

#include <stdbool.h>
#include <string.h>

/* Whether NAME ends with SUFFIX and is more than that. */
static inline bool has_suffix(const char *name, const char *suffix)
{
    size_t length = strlen(name), n = strlen(suffix);

    return length > n && strcmp(name + length - n, suffix) == 0;
}
