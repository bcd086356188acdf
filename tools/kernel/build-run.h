/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs the programs that build a kernel: the same surroundings each time, all that they say in a
 * log, and their progress for who watches. */
#pragma once

#include <limits.h>
#include <time.h>

#include "vmm/cleanup.h"

struct build_run {
    const char *directory; /* of the build */
    int lock_fd;           /* whom we run keeps it open */
    FILE *log;             /* all that is said, appended */
    FILE *out;             /* where progress goes */
    bool terminal;         /* it is one: a line that moves */
    unsigned n_done;       /* steps of make: files compiled, linked, made */
    time_t begin;
};

/* Opens DIRECTORY/log. 0 or -errno. */
int build_run_open(struct build_run *run, const char *directory, int lock_fd);
void build_run_done(struct build_run *run);

/*
 * Runs ARGV, found in $PATH, and waits for it. 0; -errno where it could not be run; -EPROTO with
 * the sentence in *RET_WHY, which says where the log is, and has its last lines, where it failed.
 */
int build_run(struct build_run *run, const char *const *argv, char **ret_why);

/* What make says of one step ("  CC      init/main.o"): the file, for the progress; NULL: it says
 * something else. LINE has no end of line. */
const char *build_run_step(const char *line);

/* Runs ARGV in the same surroundings, and drops what it says. Whether it did well. */
bool build_run_quietly(const char *const *argv);

/* Whether PROGRAM is in $PATH. */
bool build_run_finds(const char *program);

#define _cleanup_build_run_ _cleanup_(build_run_done)
