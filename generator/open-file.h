/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One file that volt-open opens for the VMM: the name in the fd store, the path, and what it must
 * be. */
#pragma once

#include "vmm/cleanup.h"

#define OPEN_FILE_MAX      128
#define OPEN_FILE_NAME_MAX 64

struct open_file {
    char name[OPEN_FILE_NAME_MAX];
    const char *path;
    bool writable;
    bool listens;  /* PATH is where a socket is made, not a file that is there */
    bool creates;  /* PATH is where a file is made; in place of one that is there */
    bool managed;  /* PATH is a managed kernel's name */
    bool optional; /* without it there is a fallback: to a NIC without vhost */
};

/* Reads NAME=PATH, the argument of --read-only and --read-write; TEXT has to outlive *ret. The name
 * is one of kvm, kernel, initrd, disk.ID, vhost.ID.QUEUE, of which only the last can be optional;
 * the path is absolute. Returns 0 or -EINVAL. */
int open_file_parse(const char *text, bool writable, bool optional, struct open_file *ret);

/* The same for the argument of --listen; the name is control. */
int open_file_parse_listen(const char *text, struct open_file *ret);

/* The same for the argument of --create; the name is balloon-statistics. */
int open_file_parse_create(const char *text, struct open_file *ret);

/* The same for the argument of --managed; the name is kernel or initrd. */
int open_file_parse_managed(const char *text, struct open_file *ret);

/* Opens it, once it is known to be of the kind that its name asks for: nothing else is ever opened
 * (opening a device can do things, opening a pipe can wait). On an error *ret_why is the whole
 * sentence: which NAME (or, where there is a fallback, which NIC), which path, the cause, what to
 * do or what happens now (free it; may be NULL). Returns a fd. */
int open_file_open(const struct open_file *file, char **ret_why);

/* Whether both are of one NIC: then they are of use together only. */
bool open_file_same_nic(const struct open_file *a, const struct open_file *b);
