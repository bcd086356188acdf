/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "Did you mean …": the nearest word of a list. */
#pragma once

#include <stddef.h>

/* The number of letters to insert, drop, change or swap with their neighbour to turn A into B,
 * where case does not matter. Words over 32 letters count as far from everything. */
size_t edit_distance(const char *a, const char *b);

/* Whether WORD reads like a slip of, or a short form for, CANDIDATE. Smaller is nearer; 0 is no. */
size_t suggest_rank(const char *word, const char *candidate);
