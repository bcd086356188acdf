/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An archive's bytes, taken in the pieces that its format has. */
#pragma once

#include "tools/kernel/unpack.h"

enum { READER_BUFFER = 64 << 10 };

struct reader {
    struct unpack *unpack;
    const char *name; /* for messages */
    uint64_t taken;   /* so far */
    size_t start, end;
    uint8_t buffer[READER_BUFFER];
};

/* Reads UNPACK, which becomes the reader's. NULL without memory, UNPACK being freed. */
struct reader *reader_new(struct unpack *unpack, const char *name);
void reader_free(struct reader *reader);

/* At least one byte in the buffer: 1, or 0 at the end. Or as unpack_read(). */
int reader_fill(struct reader *reader, char **ret_why);

/* Exactly SIZE bytes. 1, or 0 where there is none at all; -EBADMSG where it ends within, or as
 * unpack_read(). */
int reader_take(struct reader *reader, void *ret_data, size_t size, char **ret_why);

/* Passes over SIZE bytes; 0, or as reader_take(). With FD not -EBADF, they go to that temporary
 * file. */
int reader_pass(struct reader *reader, uint64_t size, int fd, char **ret_why);

/* Passes over zeros. 1: another byte follows; 0: the end. Or as unpack_read(). */
int reader_pass_zeros(struct reader *reader, char **ret_why);

static inline void cleanup_reader(struct reader **reader)
{
    reader_free(*reader);
}
