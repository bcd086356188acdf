/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a compiler expects of every C library. */
#include "guest.h"

/* By words, as far as they go: some hosts emulate a payload instruction for instruction. */
void *memset(void *p, int value, size_t n)
{
    uint64_t pattern = (uint8_t)value * 0x0101010101010101ul;
    size_t words = n / 8, bytes = n % 8;
    void *at = p;

    __asm__ volatile("rep stosq\n\tmov %3, %1\n\trep stosb"
                     : "+D"(at), "+c"(words)
                     : "a"(pattern), "r"(bytes)
                     : "memory");
    return p;
}

void *memcpy(void *to, const void *from, size_t n)
{
    size_t words = n / 8, bytes = n % 8;
    void *at = to;

    __asm__ volatile("rep movsq\n\tmov %3, %2\n\trep movsb"
                     : "+D"(at), "+S"(from), "+c"(words)
                     : "r"(bytes)
                     : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *p = a, *q = b;

    for (; n > 0; n--, p++, q++)
        if (*p != *q)
            return *p < *q ? -1 : 1;
    return 0;
}
