/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The members of a tar archive, as dpkg makes them: names of up to 255 bytes, sizes in octal. */
#pragma once

#include "tools/kernel/reader.h"

struct tar_entry {
    char name[257]; /* "./boot/vmlinuz-…"; empty: too long for the header, so none that is looked
                       for */
    char type;      /* '0': a regular file */
    uint64_t size;  /* of the content, which comes next */
};

/* The next member, with its content to be passed over next by tar_pass(). 1, 0 at the end, or
 * -errno with *RET_WHY. */
int tar_next(struct reader *reader, struct tar_entry *ret, char **ret_why);

/* Passes over the content of ENTRY, to the temporary file FD unless that is -EBADF. */
int tar_pass(struct reader *reader, const struct tar_entry *entry, int fd, char **ret_why);
