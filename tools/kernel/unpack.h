/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packed bytes of a hostile file, unpacked piece by piece: gzip, xz, lzma, zstd and lz4 as Linux
 * uses them. */
#pragma once

#include "tools/kernel/source.h"

/*
 * A bomb is one that gives more than so many times what it took. Linux's own images reach 10, an
 * initrd with an empty file system in it more: so not before there are so many bytes.
 */
enum { UNPACK_RATIO_MAX = 100 };
#define UNPACK_RATIO_FROM (UINT64_C(16) << 20)

struct unpack;

/* The name of the packing that begins with the SIZE bytes of START, "gzip" or another; NULL: none
 * that is known. Some are known and not read here: unpack_new() tells. */
const char *unpack_format(const uint8_t *start, size_t size);

/*
 * Begins to unpack the front of SOURCE, to OUTPUT_MAX bytes at most. 0, or -errno with *RET_WHY:
 * -ENOEXEC where it is not packed, -EOPNOTSUPP where packed in a way that is not read here.
 */
int unpack_new(const struct source *source, uint64_t output_max, struct unpack **ret,
               char **ret_why);

/* The same for what is not packed: it comes as it is. */
int unpack_new_stored(const struct source *source, uint64_t output_max, struct unpack **ret,
                      char **ret_why);
void unpack_free(struct unpack *unpack);

/* The next at most SIZE bytes; 0 at the end. Or -EBADMSG damaged or cut off, -EFBIG beyond a limit,
 * with *RET_WHY. */
ssize_t unpack_read(struct unpack *unpack, void *ret_data, size_t size, char **ret_why);

/* The rest to a temporary file of its own: an fd, or as unpack_read(). */
int unpack_to_temporary(struct unpack *unpack, char **ret_why);

const char *unpack_name(const struct unpack *unpack);  /* as unpack_format() */
uint64_t unpack_consumed(const struct unpack *unpack); /* bytes of the source, once it has ended */
uint64_t unpack_produced(const struct unpack *unpack);

static inline void cleanup_unpack(struct unpack **unpack)
{
    unpack_free(*unpack);
}
