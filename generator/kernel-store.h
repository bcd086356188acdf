/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where managed kernels are found: /var/lib/volt/kernels over /usr/lib/volt/kernels, each kernel a
 * directory. A link to /dev/null masks a kernel, a link to another name stands for that. */
#pragma once

#include "generator/kernel-manifest.h"

#define KERNEL_NAME_MAX 63
#define KERNEL_DEFAULT  "default" /* the kernel of VMs that name none: such a link */

enum kernel_layer { KERNEL_LAYER_LOCAL, KERNEL_LAYER_VENDOR, KERNEL_LAYERS };

extern const char *const kernel_layers[KERNEL_LAYERS];

struct kernel_dir {
    char name[KERNEL_NAME_MAX + 1]; /* links followed */
    enum kernel_layer layer;
    int fd;
};

/* Whether NAME may be that of a kernel: letters, digits, '.', '_' and '-', a letter or digit first.
 */
bool kernel_name_is_valid(const char *name);

/* What the link NAME in LAYER below ROOT ("" is the machine itself) stands for. 0; -ENOENT: there
 * is nothing of that name; -EINVAL: it is no link to a name; -ERFKILL: it is masked. */
int kernel_store_link(const char *root, enum kernel_layer layer, const char *name,
                      char ret[static KERNEL_NAME_MAX + 1]);

/* Opens the directory of the kernel NAME. 0 or -errno (-ENOENT, -ERFKILL: masked, …), with the
 * whole sentence in *RET_WHY (the caller's to free). */
int kernel_store_open(const char *root, const char *name, struct kernel_dir *ret, char **ret_why);
void kernel_dir_done(struct kernel_dir *dir);

/* The same in one layer, where links count for nothing. */
int kernel_store_open_in(const char *root, enum kernel_layer layer, const char *name,
                         struct kernel_dir *ret);

/* Opens a file of the kernel for reading, where it is a regular one. MANAGED: a link is none, as
 * volt-kernel makes none. Returns an fd, or -errno: -ENOENT, -ELOOP, -EINVAL: another kind. */
int kernel_dir_open_file(const struct kernel_dir *dir, const char *name, bool managed);

/* Reads a small file of the kernel. *RET is NUL-terminated, besides. 0 or -errno; -EFBIG: it has
 * more than MAX bytes. */
int kernel_dir_read(const struct kernel_dir *dir, const char *name, bool managed, size_t max,
                    char **ret, size_t *ret_size);

/* Reads its manifest. 1; 0 where it has none: somebody made the directory by hand; -errno, with the
 * reason. */
int kernel_dir_manifest(const struct kernel_dir *dir, struct kernel_manifest *ret, char **ret_why);

#define _cleanup_kernel_dir_ _cleanup_(kernel_dir_done)
