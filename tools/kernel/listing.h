/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All kernels that there are, as the layers have them. */
#pragma once

#include "generator/kernel-store.h"

enum kernel_state {
    KERNEL_MANAGED,
    KERNEL_BY_HAND, /* it has no manifest */
    KERNEL_MASKED,
    KERNEL_BROKEN, /* its manifest, or the directory */
};

struct listed_kernel {
    char name[KERNEL_NAME_MAX + 1];
    char link[KERNEL_NAME_MAX + 1]; /* the kernel that it stands for; "": it is none but itself */
    enum kernel_layer layer;
    enum kernel_state state;
    struct kernel_manifest manifest; /* of KERNEL_MANAGED */
    uint64_t vmlinux_size;           /* 0: not known */
    bool has_initrd;
};

struct listing {
    struct listed_kernel *items; /* by name; "default" is none of them */
    size_t count;
};

/* 0 or -errno. A directory that is not there is empty. */
int listing_read(const char *root, struct listing *ret);
void listing_done(struct listing *listing);

#define _cleanup_listing_ _cleanup_(listing_done)
