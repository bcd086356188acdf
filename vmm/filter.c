/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The filters for people. */
#include "vmm/filter.h"

void filter_show(FILE *file)
{
    (void)fprintf(file,
                  "What each kind of thread may ask of the kernel once it is locked down; all else "
                  "ends the VM.\n");
    for (const struct filter *const *filter = filters; *filter; filter++)
        (void)fprintf(file, "\n%s: %s\n%s  %u system calls, %u rules\n", (*filter)->name,
                      (*filter)->what, (*filter)->text, (*filter)->n_calls, (*filter)->n_rules);
}
