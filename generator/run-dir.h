/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Directories below /run that privileged helpers write to. */
#pragma once

#include "vmm/cleanup.h"

/* Opens the absolute PATH one component at a time and follows no link, so that nobody leads a
 * privileged write elsewhere. With CREATE, what is missing is made, 0755. Returns an fd. */
int run_dir_open(const char *path, bool create);

/* The same, with CREATE, for the directory that PATH lies in; PATH's last component goes to
 * *RET_NAME. -EINVAL where it has none. */
int run_dir_open_parent(const char *path, const char **ret_name);
