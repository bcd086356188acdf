/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which VMs boot which managed kernel: by their files, and as they run. */
#pragma once

#include "generator/kernel-store.h"

struct kernel_user {
    char vm[KERNEL_NAME_MAX + 1];     /* its name, or its UUID where nothing tells that */
    char kernel[KERNEL_NAME_MAX + 1]; /* the kernel's name, links followed; "" for one by path */
    char source[64];                  /* its file, such as web.ini; "": it runs, and has none */
    bool by_default;                  /* it names none */
    bool runs;                        /* it started with it, whatever its file says now */
    bool unknown;                     /* the file cannot be read: it may name any */
};

struct kernel_users {
    struct kernel_user *items;
    size_t count;
};

/* All VMs below ROOT that boot a managed kernel, or may. 0 or -errno. */
int kernel_users_find(const char *root, struct kernel_users *ret);
void kernel_users_done(struct kernel_users *users);

/* The names of those that boot KERNEL, "web, db (runs)"; "" for none. The caller's to free; NULL
 * without memory. */
char *kernel_users_text(const struct kernel_users *users, const char *kernel);

/* The VM for whose sake KERNEL cannot go; NULL: it can. */
const struct kernel_user *kernel_users_need(const struct kernel_users *users, const char *kernel);

#define _cleanup_kernel_users_ _cleanup_(kernel_users_done)
