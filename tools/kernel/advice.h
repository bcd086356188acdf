/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What its owner should know of a kernel that is added: it is theirs to judge. */
#pragma once

#include "vmm/cleanup.h"

/*
 * What a kernel of VERSION with CONFIG (NULL: not known) and the initrd INITRD_FD (-EBADF: none)
 * lacks of what a Volt guest needs, and of what it wants: *RET_ADVICE, a sentence a line that
 * begins with "warning: " or "notice: ", the caller's to free; NULL: there is nothing to say. 0 or
 * -ENOMEM; where the initrd is none, or not whole, -errno with *RET_WHY, the caller's to free.
 */
int kernel_advice(const char *config, int initrd_fd, const char *version, char **ret_advice,
                  char **ret_why);

/*
 * The modules that such a kernel needs to reach a disk and the initrd does not have: *RET_MISSING,
 * a blank between them, the caller's to free; NULL: it has all. 0, or as initrd_has_modules().
 */
int kernel_initrd_lacks(const char *config, int initrd_fd, const char *version, char **ret_missing,
                        char **ret_why);
