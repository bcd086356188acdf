/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why something failed, for a person. */
#include "tools/kernel/why.h"

#include <stdarg.h>

int why(char **ret_why, int r, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(ret_why, format, arguments) < 0)
        *ret_why = NULL;
    va_end(arguments);
    return r;
}
