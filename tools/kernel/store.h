/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changes /var/lib/volt/kernels: each change is one rename, so that whatever interrupts it, a
 * kernel is there whole or not at all. What is left behind begins with a '.', and is no kernel. */
#pragma once

#include "generator/kernel-store.h"

struct store {
    const char *root;
    int dir_fd;
    int lock_fd; /* one volt-kernel at a time writes */
};

/* Opens the store below ROOT, makes it where there is none, and waits for other writers: WAITING is
 * called once where it has to. 0 or -errno, with the sentence in *RET_WHY, the caller's to free;
 * also below. */
int store_open(const char *root, void (*waiting)(void), struct store *ret, char **ret_why);
void store_done(struct store *store);

/* A kernel that is being made. */
struct stage {
    const struct store *store;
    char name[KERNEL_NAME_MAX + 1];
    int fd; /* its directory */
    struct kernel_manifest manifest;
};

/* Begins to make NAME. *RET is to be given to stage_done(), which throws away what was not
 * committed. */
int stage_open(const struct store *store, const char *name, struct stage *ret, char **ret_why);
void stage_done(struct stage *stage);

/* Makes one of its files of what FROM_FD has from its beginning, or of TEXT. */
int stage_copy(struct stage *stage, enum kernel_file file, int from_fd, char **ret_why);
int stage_text(struct stage *stage, enum kernel_file file, const char *text, char **ret_why);

/* Writes the manifest, and puts the kernel in its place: with REPLACE in that of another, at once.
 * -EEXIST where there is one, and no REPLACE. */
int stage_commit(struct stage *stage, bool replace, char **ret_why);

/* Takes NAME away, or what masks it. -ENOENT where there is none here; the vendor's are not ours.
 */
int store_remove(const struct store *store, const char *name, char **ret_why);

/* Makes NAME the default, or none with NULL. */
int store_set_default(const struct store *store, const char *name, char **ret_why);

/* Removes what interrupted work left behind; *RET_COUNT: how much. */
int store_clean(const struct store *store, unsigned *ret_count, char **ret_why);

#define _cleanup_store_ _cleanup_(store_done)
#define _cleanup_stage_ _cleanup_(stage_done)
