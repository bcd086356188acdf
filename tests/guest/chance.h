/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers by chance, the same in each run: what breaks a device breaks it again. */
#pragma once

#include <stdint.h>

static inline uint64_t chance(void)
{
    static uint64_t seed = 88172645463325252;

    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}
