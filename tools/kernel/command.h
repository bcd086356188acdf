/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands of volt-kernel. Each says what it did, or what is wrong, and returns the exit
 * status. */
#pragma once

#include "tools/kernel/store.h"
#include "tools/kernel/users.h"

enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

struct arguments {
    const char *root; /* "": the machine itself */
    char **words;     /* what stands behind the command; NULL at the end */
    unsigned n_words;
    const char *initrd, *cmdline, *config; /* or NULL, also below */
    const char *source, *jobs;
    const char *origin; /* what the manifest calls the image's; NULL: its path */
    bool replace, from_host, json, unused, clean, twice;
};

int command_list(const struct arguments *arguments);
int command_add(const struct arguments *arguments);
int command_build(const struct arguments *arguments);
int command_show(const struct arguments *arguments);
int command_default(const struct arguments *arguments);
int command_verify(const struct arguments *arguments);
int command_remove(const struct arguments *arguments);
int command_gc(const struct arguments *arguments);

/* Prints "volt-kernel: …" to stderr; complain() returns STATUS_FAILED. */
int complain(const char *format, ...) _printf_(1, 2);
void notice(const char *format, ...) _printf_(1, 2);

/* Whether NAME may be a kernel's; else says so. */
bool check_name(const char *name);

/* Whether a kernel of that NAME can be added: there is none yet, or it may be replaced. The exit
 * status; says so. */
int check_free(const struct arguments *arguments, const char *name);

/* Opens the store for writing, and says so where it has to wait or cannot. 0 or -errno. */
int open_for_writing(const struct arguments *arguments, struct store *ret);

/* What the link called default stands for in the end; "" for none. */
void find_default(const char *root, char ret[static KERNEL_NAME_MAX + 1]);
