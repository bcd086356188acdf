/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file descriptors that systemd hands over, by name (sd_listen_fds(3)). */
#pragma once

#include "vmm/cleanup.h"

enum {
    FD_STORE_MAX = 256, /* eight interfaces of eight queue pairs with vhost, and 16 disks */
    FD_STORE_START = 3, /* SD_LISTEN_FDS_START */
};

struct fd_store {
    unsigned n;
    struct {
        char *name;
        int fd; /* -EBADF once taken */
    } entries[FD_STORE_MAX];
};

/*
 * Collects what the environment announces, marks it close-on-exec, and clears the announcement. An
 * empty store where there is none. -EEXIST for two of one name, -EINVAL for a broken announcement;
 * logs.
 */
int fd_store_init(struct fd_store *store);
void fd_store_done(struct fd_store *store);

/* The descriptor called NAME, now the caller's. -ENOENT; logs. */
int fd_store_take(struct fd_store *store, const char *name);

/* Whether there is one called NAME that nobody took. */
bool fd_store_has(const struct fd_store *store, const char *name);

/* What SPECIFICATION names: "fd:NAME" from the store, else a path that is opened with FLAGS.
 * -errno; logs. */
int fd_store_open(struct fd_store *store, const char *specification, int flags, const char *what);

/* The same for a file to be read: regular, and not empty. Does not wait, whatever the path is. */
int fd_store_open_image(struct fd_store *store, const char *specification, const char *what);

/* The same for a listening AF_UNIX socket of TYPE: a path is made one, for its owner alone. */
int fd_store_listen(struct fd_store *store, const char *specification, int type, const char *what);

/* The type of the socket FD, such as SOCK_STREAM; -ENOTCONN where it does not listen, -errno. */
int fd_listening_type(int fd);

/* -EINVAL, with each name logged, where something was handed over that nobody took. */
int fd_store_check_empty(const struct fd_store *store);
