/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new command line for a machine that runs: what differs from the one that it was started with.
 */
#pragma once

#include "vmm/options.h"

enum { RELOAD_LABEL_SIZE = 64 };

/*
 * Reads a command line from TEXT, SIZE bytes of strings that end in '\0' each, which RET borrows. 0
 * or -EINVAL, with why in REPLY.
 */
int reload_parse(const char *text, size_t size, struct options *ret, char *reply,
                 size_t reply_size);

/*
 * Adds a line to REPLY for each difference but those of devices that are in both. What changes at
 * once is the stop timeout alone, which the caller takes over from NEW. -EINVAL where NEW is
 * another VM's.
 */
int reload_compare(const struct options *old, const struct options *new, char *reply,
                   size_t reply_size);

/* The argument that OPTIONS have for the device of OPTION (of which ARGUMENT tells the id). NULL
 * where there is none. */
const char *reload_find(const struct options *options, const char *option, const char *argument);

/* What people call the device: "disk root", or "balloon" where there is one only. */
void reload_label(const char *option, const char *argument, char ret[static RELOAD_LABEL_SIZE]);
