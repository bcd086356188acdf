/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Builds a kernel in a directory of the cache; volt-kernel build puts it in the store. */
#pragma once

#include "tools/kernel/build-dir.h"
#include "tools/kernel/build-settings.h"
#include "tools/kernel/build-source.h"

struct build {
    const char *root;
    unsigned jobs;
    struct build_source source;
    struct build_settings settings;
    char version[64];            /* "6.1.192", after build_begin() */
    unsigned linux_version;      /* 6 << 16 | 1, likewise */
    uint8_t sha256[SHA256_SIZE]; /* of the kernel, after build_make() */
};

/* What one directory is called: what is built, of which settings. AGAIN: a second one of the same.
 */
void build_directory_name(const struct build *build, bool again, char *ret, size_t size);

/* Unpacks the source in DIR, where that has to be, and finds its version. 0, or -errno with the
 * sentence in *RET_WHY, the caller's to free; also below. */
int build_begin(struct build *build, const struct build_dir *dir, char **ret_why);

/*
 * Configures and compiles in DIR, or goes on where that was interrupted. What comes out is
 * DIR/vmlinux and DIR/config.
 */
int build_make(struct build *build, const struct build_dir *dir, char **ret_why);
