/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a helper was told when the VM started, kept for volt-reload: /run/volt/vm/<uuid>/<helper>.
 */
#pragma once

#include "vmm/cleanup.h"

/* Writes the arguments ARGV, which end with NULL, to the file NAME of the directory DIR, which is
 * made. */
int run_arguments_save(const char *dir, const char *name, char *const *argv);

/* Reads them back; free with run_arguments_free(). -ENOENT when nothing was kept. */
int run_arguments_load(const char *dir, const char *name, char ***ret);
void run_arguments_free(char **arguments);
