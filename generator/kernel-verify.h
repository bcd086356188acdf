/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a kernel's file is what its manifest says. */
#pragma once

#include "generator/kernel-manifest.h"

/* Holds the file of FD against ENTRY. ALWAYS: all of it is read; else only where neither fs-verity
 * nor size and time of the last change tell that it is the same. 0, with *RET_HOW, a constant, what
 * told it; -EBADMSG: it is another, with what of it in *RET_WHY (the caller's to free); -errno. */
int kernel_verify(int fd, const struct kernel_file_entry *entry, bool always, const char **ret_how,
                  char **ret_why);
