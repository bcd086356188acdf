/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An archive's bytes, taken in the pieces that its format has. */
#include "tools/kernel/reader.h"

#include <string.h>

#include "tools/kernel/why.h"

struct reader *reader_new(struct unpack *unpack, const char *name)
{
    struct reader *reader = malloc(sizeof(*reader));

    if (!reader) {
        unpack_free(unpack);
        return NULL;
    }
    reader->unpack = unpack;
    reader->name = name;
    reader->taken = 0;
    reader->start = reader->end = 0;
    return reader;
}

void reader_free(struct reader *reader)
{
    if (!reader)
        return;
    unpack_free(reader->unpack);
    free(reader);
}

int reader_fill(struct reader *reader, char **ret_why)
{
    if (reader->start < reader->end)
        return 1;
    ssize_t n = unpack_read(reader->unpack, reader->buffer, READER_BUFFER, ret_why);
    if (n < 0)
        return (int)n;
    reader->start = 0;
    reader->end = (size_t)n;
    return n > 0;
}

/* At most SIZE bytes of the buffer. */
static size_t take_some(struct reader *reader, uint64_t size, const uint8_t **ret)
{
    size_t n = reader->end - reader->start;

    if (n > size)
        n = (size_t)size;
    *ret = reader->buffer + reader->start;
    reader->start += n;
    reader->taken += n;
    return n;
}

static int cut_off(const struct reader *reader, char **ret_why)
{
    return why(ret_why, -EBADMSG,
               "%s: cut off: the archive in it ends in the middle of a file; copy it again from "
               "where it is whole",
               reader->name);
}

int reader_take(struct reader *reader, void *ret_data, size_t size, char **ret_why)
{
    uint8_t *data = ret_data;

    for (size_t done = 0; done < size;) {
        const uint8_t *some;
        int r = reader_fill(reader, ret_why);
        if (r < 0)
            return r;
        if (r == 0)
            return done == 0 ? 0 : cut_off(reader, ret_why);
        size_t n = take_some(reader, size - done, &some);
        memcpy(data + done, some, n);
        done += n;
    }
    return 1;
}

int reader_pass(struct reader *reader, uint64_t size, int fd, char **ret_why)
{
    while (size > 0) {
        const uint8_t *some;
        int r = reader_fill(reader, ret_why);
        if (r < 0)
            return r;
        if (r == 0)
            return cut_off(reader, ret_why);
        size_t n = take_some(reader, size, &some);
        if (fd >= 0)
            r = temporary_write(fd, some, n, ret_why);
        if (r < 0)
            return r;
        size -= n;
    }
    return 0;
}

int reader_pass_zeros(struct reader *reader, char **ret_why)
{
    int r;

    while ((r = reader_fill(reader, ret_why)) > 0) {
        if (reader->buffer[reader->start] != 0)
            return 1;
        reader->start++;
        reader->taken++;
    }
    return r;
}
