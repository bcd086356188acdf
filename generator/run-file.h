/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small files that privileged helpers leave for others: whole or not there, readable by all. */
#pragma once

#include "vmm/cleanup.h"

/* Writes TEXT to the file NAME of the directory DIR_FD by a temporary file and rename(), 0644. A
 * link of that name is replaced, not followed. */
int run_file_write(int dir_fd, const char *name, const char *text);

/* Makes an empty file at the absolute PATH, 0644, in place of what is there, and the directories
 * above it. Links are not followed. Returns a fd for writing, or -errno. */
int run_file_create(const char *path);

/* Whether the file has just this text. */
bool run_file_equals(int dir_fd, const char *name, const char *text);
