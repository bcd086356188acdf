/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What its owner should know of a kernel that is added: it is theirs to judge. */
#pragma once

#include "vmm/cleanup.h"

/*
 * What a kernel of VERSION with CONFIG (NULL: not known) and the initrd INITRD_FD (-EBADF: none)
 * lacks of what a Volt guest needs, and of what it wants: *RET_ADVICE, a sentence a line that
 * begins with "warning: " or "notice: ", the caller's to free; NULL: there is nothing to say. 0 or
 * -ENOMEM.
 */
int kernel_advice(const char *config, int initrd_fd, const char *version, char **ret_advice);
