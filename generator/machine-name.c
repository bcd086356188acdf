// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a VM can be called in machinectl, where names are host names. */
#include "generator/machine-name.h"

#include <ctype.h>
#include <string.h>

#define UUID_DIGITS 8

/* Writes NAME as a host name of fewer than SIZE characters, perhaps of none. As systemd's
 * hostname_is_valid(): letters, digits, '-' and '.', none of the latter two at an end or beside a
 * dot. */
static void write_host_name(const char *name, char *ret, size_t size)
{
    size_t length = 0;

    for (const char *p = name; *p && length + 1 < size; p++) {
        char c = isalnum((unsigned char)*p) || *p == '.' ? *p : '-';
        char before = length > 0 ? ret[length - 1] : '.';

        if (c == '-' && before == '.')
            continue;
        while (c == '.' && length > 0 && ret[length - 1] == '-')
            length--;
        if (c == '.' && (length == 0 || ret[length - 1] == '.'))
            continue;
        ret[length++] = c;
    }
    while (length > 0 && !isalnum((unsigned char)ret[length - 1]))
        length--;
    ret[length] = '\0';
}

void machine_name(const char *name, const char *uuid, unsigned attempt,
                  char ret[static MACHINE_NAME_SIZE])
{
    char base[MACHINE_NAME_SIZE];

    write_host_name(name, base, attempt == 0 ? sizeof(base) : sizeof(base) - UUID_DIGITS - 1);
    if (base[0] == '\0' || attempt >= 2)
        (void)snprintf(ret, MACHINE_NAME_SIZE, "%s", uuid);
    else if (attempt == 0)
        memcpy(ret, base, sizeof(base));
    else
        (void)snprintf(ret, MACHINE_NAME_SIZE, "%.*s-%.*s", MACHINE_NAME_SIZE - UUID_DIGITS - 2,
                       base, UUID_DIGITS, uuid);
}
