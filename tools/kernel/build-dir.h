/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directory of one build, in /var/cache/volt/kernel-build: its name says what is built of what,
 * so that a build that was interrupted is found again. */
#pragma once

#include <limits.h>

#include "vmm/cleanup.h"

#define BUILD_CACHE "/var/cache/volt/kernel-build"

struct build_dir {
    char path[PATH_MAX];
    int fd;       /* locked; whom we run has it, too: the lock lasts until all have ended */
    bool resumed; /* there was something to go on with */
};

/* Makes or finds NAME below ROOT and locks it; WAITING is called once where another has it. What a
 * machine that went down left behind is thrown away, as it may be cut off anywhere. 0, or -errno
 * with the sentence in *RET_WHY, the caller's to free; also below. */
int build_dir_open(const char *root, const char *name, void (*waiting)(void), struct build_dir *ret,
                   char **ret_why);
void build_dir_done(struct build_dir *dir);

/* Removes NAME in it: a file or a directory. */
int build_dir_remove(const struct build_dir *dir, const char *name, char **ret_why);

/* Renames FROM to TO in it, when all that was written has reached the disk. */
int build_dir_rename(const struct build_dir *dir, const char *from, const char *to, char **ret_why);

/* Writes a small file in it. */
int build_dir_write(const struct build_dir *dir, const char *name, const char *text,
                    char **ret_why);

/* Whether NAME is there. */
bool build_dir_has(const struct build_dir *dir, const char *name);

/* Says that what is in it is whole, however the machine goes down. */
int build_dir_settle(const struct build_dir *dir, char **ret_why);

/* Removes all builds below ROOT that nobody is at work on; *RET_COUNT: how many. */
int build_dir_clean(const char *root, unsigned *ret_count, char **ret_why);

#define _cleanup_build_dir_ _cleanup_(build_dir_done)
