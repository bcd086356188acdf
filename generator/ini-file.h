/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file that may be anything, read whole: never blocks, never takes much memory. */
#pragma once

#include "vmm/cleanup.h"

/* Reads NAME in DIR_FD (or AT_FDCWD), at most MAX bytes. Returns 1 with the text (not terminated;
 * the caller frees it), 0 when the file is masked (empty, or a link to /dev/null), -ENOMEM, or
 * another error with *ret_why, a constant text that completes "the file ...". */
int ini_file_load(int dir_fd, const char *name, size_t max, char **ret_text, size_t *ret_size,
                  const char **ret_why);
