/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes a directory away with all that it has. */
#pragma once

#include "vmm/cleanup.h"

/* Removes NAME in DIR_FD, be it a directory, a file or a link, which is not followed. 0, also where
 * there is none, or -errno. */
int remove_tree(int dir_fd, const char *name);
