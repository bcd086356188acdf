/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values that stand in an INI file: lists of CPUs. */
#include <ctype.h>
#include <string.h>

#include "generator/value.h"

enum { CPUS_MAX = 8192 }; /* of any Linux kernel on x86 */

/* Reads the number at *TEXT and goes behind it. */
static int read_cpu(const char **text, unsigned *ret)
{
    char *end;

    if (!isdigit((unsigned char)**text))
        return -EINVAL;
    unsigned long number = strtoul(*text, &end, 10); /* ULONG_MAX where it is larger still */
    if (number >= CPUS_MAX)
        return -ERANGE;
    *text = end;
    *ret = (unsigned)number;
    return 0;
}

/* Why TEXT is no list; NULL if it is one. */
static const char *why_no_cpus(const char *text)
{
    unsigned first, last, next = 0;

    for (;;) {
        int r = read_cpu(&text, &first);

        last = first;
        if (r >= 0 && *text == '-') {
            text++;
            r = read_cpu(&text, &last);
        }
        if (r == -ERANGE)
            return "no machine has a CPU with such a number";
        if (r < 0)
            return "numbers and ranges are separated by commas, without blanks";
        if (last < first)
            return "a range goes from the smaller number to the larger one";
        if (first < next)
            return "every CPU is named once, in ascending order";
        next = last + 1;
        if (*text == '\0')
            return NULL;
        if (*text++ != ',')
            return "numbers and ranges are separated by commas, without blanks";
    }
}

int parse_cpus(const char *text, _unused_ const struct value_rule *rule, void *place,
               const char **ret_reason)
{
    char **cpus = place, *copy;

    *ret_reason = why_no_cpus(text);
    if (*ret_reason)
        return -EINVAL;
    copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    free(*cpus);
    *cpus = copy;
    return 0;
}
