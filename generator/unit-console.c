// SPDX-License-Identifier: LGPL-2.1-or-later
/* A VM's console for people: a socket unit makes the socket, and goes with the VM. */
#include "generator/unit-console.h"

#include "generator/unit-escape.h"

void unit_write_console_socket(FILE *f, const struct vm_config *config)
{
    if (unit_has_console(config))
        (void)fprintf(f,
                      "\n# Console: where volt-console attaches\n"
                      "Sockets=volt-console@%s.socket\n",
                      config->vm.uuid);
}

void unit_write_console(FILE *f, const struct vm_config *config)
{
    if (unit_has_console(config))
        unit_write_argument(f, "--console=hvc0,listen=fd:console");
}

void unit_write_console_drop_in(FILE *f, const struct vm_config *config)
{
    (void)fputs("[Unit]\nDescription=Console of Volt VM ", f);
    unit_escape(f, config->vm.name, UNIT_VALUE);
    (void)fputc('\n', f);
    if (config->console.group[0] == '\0')
        return;
    (void)fputs("\n[Socket]\nSocketMode=0660\nSocketGroup=", f);
    unit_escape(f, config->console.group, UNIT_VALUE);
    (void)fputc('\n', f);
}
