// SPDX-License-Identifier: LGPL-2.1-or-later
/* What volt-generator wrote about a VM, for those who know its UUID only. */
#include "generator/vm-name.h"

#include <limits.h>
#include <string.h>

#define DESCRIPTION "Description=Volt VM "

static int drop_in_path(const char *dir, const char *uuid, const char *file, char buffer[PATH_MAX])
{
    return (size_t)snprintf(buffer, PATH_MAX, "%s/volt-vm@%s.service.d%s", dir, uuid, file) <
                   PATH_MAX
               ? 0
               : -ENAMETOOLONG;
}

bool vm_is_described(const char *dir, const char *uuid)
{
    char path[PATH_MAX];

    return drop_in_path(dir, uuid, "", path) == 0 && access(path, F_OK) == 0;
}

/* Unit files write a '%' twice. */
static void unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        if (from[0] == '%' && from[1] == '%')
            from++;
        *to++ = *from;
    }
    *to = '\0';
}

const char *vm_label(const char *dir, const char *uuid, char buffer[VM_LABEL_SIZE])
{
    _cleanup_fclose_ FILE *f = NULL;
    char path[PATH_MAX], line[256];

    (void)snprintf(buffer, VM_LABEL_SIZE, "VM %s", uuid);
    if (drop_in_path(dir, uuid, "/50-volt.conf", path) < 0 || !(f = fopen(path, "re")))
        return buffer;
    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, DESCRIPTION, strlen(DESCRIPTION)))
            continue;
        unescape(line);
        (void)snprintf(buffer, VM_LABEL_SIZE, "VM %s (%s)", line + strlen(DESCRIPTION), uuid);
        break;
    }
    return buffer;
}
