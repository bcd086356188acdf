/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A managed kernel for a VM that starts: found by its name, and held against its manifest. */
#pragma once

#include "generator/kernel-store.h"

#define MANAGED_CMDLINE_MAX 1792 /* as in a VM's file */

struct managed_kernel {
    struct kernel_dir dir;
    bool always; /* read all of each file to verify it */
    bool has_manifest;
    struct kernel_manifest manifest;
};

/* Finds the kernel NAME below ROOT. 0 or -errno, with the whole sentence in *RET_WHY (the caller's
 * to free; also below). *RET is to be given to managed_kernel_done() in any case. */
int managed_kernel_open(const char *root, const char *name, bool always, struct managed_kernel *ret,
                        char **ret_why);
void managed_kernel_done(struct managed_kernel *kernel);

/* Opens one of its files and verifies it: FILE is KERNEL_VMLINUX or KERNEL_INITRD. Returns an fd;
 * -ENOENT without a sentence: it has no initrd. */
int managed_kernel_take(const struct managed_kernel *kernel, enum kernel_file file, char **ret_why);

/* Its own words for the command line; "" where it has none. */
int managed_kernel_cmdline(const struct managed_kernel *kernel, char **ret, char **ret_why);

/* What the journal says of it: "Kernel debian-12: 6.1.0-49-cloud-amd64, sha256 1234abcd…". */
void managed_kernel_describe(const struct managed_kernel *kernel, char *ret, size_t size);

/* Writes VOLT_KERNEL, VOLT_KERNEL_CMDLINE and VOLT_KERNEL_MAP (yes or no) to
 * DIR/<uuid>/environment. 0 or -errno. */
int managed_kernel_tell(const struct managed_kernel *kernel, const char *cmdline, const char *dir,
                        const char *uuid);
