/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a Volt guest needs of a kernel, held against the kernel's configuration. */
#pragma once

#include "vmm/cleanup.h"

/*
 * What a Volt guest must have and CONFIG, the text of a .config, lacks: *RET_MISSING, one
 * "CONFIG_X: what for" a line, the caller's to free, NULL when nothing. INITRD: modules may come
 * from there, so that =m does for drivers. 0 or -errno.
 */
int kernel_config_check(const char *config, bool initrd, char **ret_missing);

/* The same for what a guest does without, and its owner may miss: a balloon, a vsock … =m always
 * does. */
int kernel_config_wanted(const char *config, bool initrd, char **ret_missing);

/*
 * The modules that CONFIG makes of what a Volt guest must have to reach its disk, by name
 * ("virtio_blk"), one a line: *RET_MODULES, the caller's to free, NULL when all is built in. CONFIG
 * NULL, not known: all that Debian makes modules of. For initrd_has_modules().
 */
int kernel_config_modules(const char *config, char **ret_modules);
