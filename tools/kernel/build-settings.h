/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration of the kernel that `volt-kernel build` makes: lines "CONFIG_X=y  # why" of the
 * files *.config in /usr/lib/volt/kernel-config.d, and in /etc/volt/kernel-config.d, which win. */
#pragma once

#include "generator/sha256.h"

#define BUILD_SETTINGS_LOCAL  "/etc/volt/kernel-config.d"
#define BUILD_SETTINGS_VENDOR "/usr/lib/volt/kernel-config.d"

struct build_setting {
    char *line; /* "CONFIG_X=y": the name ends at name_size */
    char *from; /* "10-machine.config:12" */
    size_t name_size;
    unsigned since, before; /* versions of Linux, major << 16 | minor, for which it counts */
};

struct build_settings {
    struct build_setting *items; /* in the order of the files */
    size_t count;
    unsigned n_files;
    uint8_t sha256[SHA256_SIZE]; /* of all lines with their conditions, without the comments */
};

/* Reads the files below ROOT, in the order of their names. 0, or -errno with the sentence in
 * *RET_WHY, the caller's to free. *RET is to be given to build_settings_done() in any case. */
int build_settings_read(const char *root, struct build_settings *ret, char **ret_why);
void build_settings_done(struct build_settings *settings);

/* Adds the lines of one file, which is hostile until checked, and is called NAME in messages. */
int build_settings_parse(struct build_settings *settings, const char *name, const char *text,
                         char **ret_why);

/* What counts for VERSION of Linux (major << 16 | minor), as kconfig reads it: each name once, of
 * the last line that has it. NULL: no memory. */
char *build_settings_text(const struct build_settings *settings, unsigned version,
                          unsigned *ret_count);

/* Those of them that CONFIG, a kernel's .config, does not have: lines "CONFIG_X=y (FILE:LINE), it
 * is n"; NULL for none. 0 or -ENOMEM. */
int build_settings_check(const struct build_settings *settings, unsigned version,
                         const char *config, char **ret_missing);

#define _cleanup_build_settings_ _cleanup_(build_settings_done)
