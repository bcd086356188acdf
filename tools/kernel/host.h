/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel that this host runs: where its files are, and an initrd for it that a VM can use. */
#pragma once

#include <limits.h>

#include "vmm/cleanup.h"

struct host_kernel {
    char version[65];
    char image[PATH_MAX], initrd[PATH_MAX], config[PATH_MAX]; /* "": there is none */
};

/* Looks in /boot and /usr/lib/modules below ROOT. 0, or -errno with *RET_WHY, the caller's to free:
 * -ENOENT where there is no image. */
int host_kernel_find(const char *root, struct host_kernel *ret, char **ret_why);

/* What makes an initrd here, "mkinitramfs" or "dracut"; NULL: nothing does. */
const char *host_initrd_maker(void);

/*
 * Has MAKER, one of these, make one for the kernel VERSION with the drivers for any machine's
 * disks, and for virtio's, whatever the host's own configuration says of its initrd. The file,
 * which has no name any more, is the caller's. Else -errno with *RET_WHY, the caller's to free;
 * where the program failed, a directory in $TMPDIR (/var/tmp) with its log is left.
 */
int host_initrd_make(const char *maker, const char *version, char **ret_why);
