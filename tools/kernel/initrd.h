/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks into an initrd as Linux does: cpio archives, one after the other, packed or not. */
#pragma once

#include "vmm/cleanup.h"

/* What is refused beyond: of the file, of what is packed in it, and of names. */
#define INITRD_INPUT_MAX    (UINT64_C(1) << 30)
#define INITRD_UNPACKED_MAX (UINT64_C(4) << 30)
#define INITRD_ENTRIES_MAX  (UINT64_C(1) << 20)

/*
 * Which of MODULES, names one a line as kernel_config_modules() has them, the initrd FD does not
 * bring for the kernel VERSION (NULL: for any; a list of what is built in counts, too):
 * *RET_MISSING, one a line, the caller's to free, NULL when it has all. FD is a regular file,
 * hostile, and stays the caller's; NAME is for messages. 0, or -errno with *RET_WHY, the caller's
 * to free: -EBADMSG damaged, cut off or no initrd; -EFBIG beyond a limit; -EOPNOTSUPP packed in a
 * way that is not read here.
 */
int initrd_has_modules(int fd, const char *name, const char *modules, const char *version,
                       char **ret_missing, char **ret_why);
