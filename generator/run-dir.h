/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Directories below /run that privileged helpers write to. */
#pragma once

#include "vmm/cleanup.h"

/* Opens the absolute PATH one component at a time and follows no link, so that nobody leads a
 * privileged write elsewhere. With CREATE, what is missing is made, 0755. Returns an fd. */
int run_dir_open(const char *path, bool create);
