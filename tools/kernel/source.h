/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A range of a hostile file, and temporary files for what is copied out of it. */
#pragma once

#include "vmm/cleanup.h"

struct source {
    int fd;
    uint64_t offset, size;
    const char *name; /* for messages, such as "debian.efi" */
};

/* The whole of FD, a regular file of at most SIZE_MAX bytes. 0, or -errno with *RET_WHY. */
int source_open(int fd, const char *name, uint64_t size_max, struct source *ret, char **ret_why);

/* Makes *RET the SIZE bytes at OFFSET of SOURCE. False where they are not all there. */
bool source_range(const struct source *source, uint64_t offset, uint64_t size, struct source *ret);

/* Reads exactly SIZE bytes at OFFSET of SOURCE. -EBADMSG where it ends before, -errno. */
int source_read(const struct source *source, uint64_t offset, void *ret_data, size_t size);

/* Copies all of SOURCE to a new temporary file. 0, or -errno with *RET_WHY. */
int source_copy(const struct source *source, int *ret_fd, char **ret_why);

/* Copies all of SOURCE to memory, with a NUL behind it. 0, or -errno with *RET_WHY. */
int source_text(const struct source *source, char **ret_text, char **ret_why);

/* Where what is temporary and large belongs: $TMPDIR, or /var/tmp. */
const char *temporary_directory(void);

/* An unlinked file there. The fd, or -errno with *RET_WHY. */
int temporary_file(char **ret_why);

/* Writes all of DATA at the end of FD. 0, or -errno with *RET_WHY. */
int temporary_write(int fd, const void *data, size_t size, char **ret_why);
