/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `volt-kernel build` builds from: a package's tarball, a tarball, or a tree. */
#pragma once

#include <limits.h>

#include "generator/sha256.h"

struct build_source {
    char path[PATH_MAX]; /* absolute */
    char name[64];       /* for a directory's name: "linux-source-6.1" */
    bool is_tree;
    char digest[SHA256_TEXT_SIZE]; /* of the tarball, or of a tree's path */
};

/*
 * Finds NAME: a path, or the name of a Debian package, linux-source-6.1, whose tarball is in
 * /usr/src below ROOT; NULL: the newest of them. 0, or -errno with the sentence in *RET_WHY, the
 * caller's to free.
 */
int build_source_find(const char *root, const char *name, struct build_source *ret, char **ret_why);

/* The version of the kernel tree in DIR: "6.1.192", and 6 << 16 | 1. */
int build_source_version(const char *dir, char ret[static 64], unsigned *ret_version,
                         char **ret_why);
