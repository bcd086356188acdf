/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The programs that building a kernel takes. */
#pragma once

#include "vmm/cleanup.h"

/* Looks for all of them; TARBALL: also for those that unpack one. 0; -ENOENT with the sentence in
 * *RET_WHY that names those that are missing, and their packages; -errno. */
int build_tools_check(bool tarball, char **ret_why);
