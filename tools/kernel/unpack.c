/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packed bytes of a hostile file, unpacked piece by piece. */
#include "tools/kernel/unpack.h"

#include <string.h>

#include "tools/kernel/codec.h"
#include "tools/kernel/why.h"

enum {
    UNPACK_MAGIC_MAX = 8,
    UNPACK_BUFFER = 128 << 10,
};

struct unpack {
    struct source source;
    uint64_t read; /* bytes of the source that came into the buffer */
    uint64_t produced, output_max;
    const struct codec *codec;
    void *state;
    size_t start, end; /* of the buffer: not yet used */
    bool ended;
    uint8_t buffer[UNPACK_BUFFER];
};

const char *unpack_format(const uint8_t *start, size_t size)
{
    const struct codec *codec = codec_find(start, size);

    return codec ? codec->name : NULL;
}

static int start_codec(const struct source *source, const struct codec *codec, uint64_t output_max,
                       struct unpack **ret, char **ret_why)
{
    _cleanup_(cleanup_unpack) struct unpack *unpack = calloc(1, sizeof(*unpack));

    if (!unpack)
        return why(ret_why, -ENOMEM, "Out of memory");
    unpack->source = *source;
    unpack->output_max = output_max;
    int r = codec->init(&unpack->state);
    if (r < 0)
        return why(ret_why, r, "%s: cannot begin to unpack %s: %s", source->name, codec->name,
                   strerror(-r));
    unpack->codec = codec;
    *ret = TAKE_PTR(unpack);
    return 0;
}

int unpack_new(const struct source *source, uint64_t output_max, struct unpack **ret,
               char **ret_why)
{
    size_t size = source->size < UNPACK_MAGIC_MAX ? (size_t)source->size : UNPACK_MAGIC_MAX;
    uint8_t start[UNPACK_MAGIC_MAX] = {0};

    int r = source_read(source, 0, start, size);
    if (r < 0)
        return why(ret_why, r, "%s: cannot read it: %s", source->name, strerror(-r));
    const struct codec *codec = codec_find(start, size);
    if (!codec)
        return why(ret_why, -ENOEXEC,
                   "%s: packed in an unknown way (it begins with %02x %02x %02x %02x); gzip, xz, "
                   "lzma, zstd and "
                   "lz4 are read",
                   source->name, start[0], start[1], start[2], start[3]);
    if (codec->unsupported)
        return why(ret_why, -EOPNOTSUPP, "%s: packed as %s, which is not read here; %s",
                   source->name, codec->name, codec->unsupported);
    return start_codec(source, codec, output_max, ret, ret_why);
}

int unpack_new_stored(const struct source *source, uint64_t output_max, struct unpack **ret,
                      char **ret_why)
{
    return start_codec(source, &codec_stored, output_max, ret, ret_why);
}

void unpack_free(struct unpack *unpack)
{
    if (!unpack)
        return;
    if (unpack->codec)
        unpack->codec->done(unpack->state);
    free(unpack);
}

static int fill(struct unpack *unpack, char **ret_why)
{
    uint64_t left = unpack->source.size - unpack->read;
    size_t n = left < UNPACK_BUFFER ? (size_t)left : UNPACK_BUFFER;

    if (unpack->start < unpack->end || n == 0)
        return 0;
    int r = source_read(&unpack->source, unpack->read, unpack->buffer, n);
    if (r < 0)
        return why(ret_why, r, "%s: cannot read it: %s", unpack->source.name, strerror(-r));
    unpack->read += n;
    unpack->start = 0;
    unpack->end = n;
    return 0;
}

static int check_limits(const struct unpack *unpack, char **ret_why)
{
    uint64_t consumed = unpack_consumed(unpack);

    if (unpack->produced > unpack->output_max)
        return why(ret_why, -EFBIG, "%s: its %s data unpack to more than the limit of %llu KiB",
                   unpack->source.name, unpack->codec->name,
                   (unsigned long long)unpack->output_max >> 10);
    if (unpack->produced > UNPACK_RATIO_FROM && unpack->produced / UNPACK_RATIO_MAX > consumed)
        return why(ret_why, -EFBIG,
                   "%s: its %s data unpack to more than %d times their size (%llu MiB out of %llu "
                   "KiB, limit "
                   "%llu MiB): no kernel does",
                   unpack->source.name, unpack->codec->name, UNPACK_RATIO_MAX,
                   (unsigned long long)unpack->produced >> 20, (unsigned long long)consumed >> 10,
                   (unsigned long long)unpack->output_max >> 20);
    return 0;
}

static int failed(const struct unpack *unpack, int r, char **ret_why)
{
    if (r == -EFBIG)
        return why(ret_why, r,
                   "%s: its %s data need more memory to unpack than Linux's own images do",
                   unpack->source.name, unpack->codec->name);
    if (r == -ENOMEM)
        return why(ret_why, r, "%s: out of memory in unpacking %s", unpack->source.name,
                   unpack->codec->name);
    return why(
        ret_why, r,
        "%s: its %s data are damaged, %llu KiB in; copy the file again from where it is whole",
        unpack->source.name, unpack->codec->name,
        (unsigned long long)unpack_consumed(unpack) >> 10);
}

ssize_t unpack_read(struct unpack *unpack, void *ret_data, size_t size, char **ret_why)
{
    uint8_t *data = ret_data;

    while (!unpack->ended && size > 0) {
        int r = fill(unpack, ret_why);
        if (r < 0)
            return r;
        struct codec_step step = {
            .in = unpack->buffer + unpack->start,
            .in_end = unpack->buffer + unpack->end,
            .out = data,
            .out_end = data + size,
            .last = unpack->read == unpack->source.size,
        };
        const uint8_t *in = step.in;
        r = unpack->codec->step(unpack->state, &step);
        unpack->start = (size_t)(step.in - unpack->buffer);
        if (r < 0)
            return failed(unpack, r, ret_why);
        unpack->ended = step.ended;
        size_t n = (size_t)(step.out - data);
        unpack->produced += n;
        r = check_limits(unpack, ret_why);
        if (r < 0)
            return r;
        if (n > 0)
            return (ssize_t)n;
        if (step.ended || step.in != in)
            continue;
        if (step.last && step.in == step.in_end)
            return why(ret_why, -EBADMSG,
                       "%s: its %s data are cut off after %llu KiB; copy the file again from "
                       "where it is whole",
                       unpack->source.name, unpack->codec->name,
                       (unsigned long long)unpack->read >> 10);
        return failed(unpack, -EBADMSG, ret_why); /* neither takes nor gives */
    }
    return 0;
}

int unpack_to_temporary(struct unpack *unpack, char **ret_why)
{
    _cleanup_free_ uint8_t *buffer = malloc(UNPACK_BUFFER);
    _cleanup_close_ int fd = -EBADF;
    ssize_t n;

    if (!buffer)
        return why(ret_why, -ENOMEM, "Out of memory");
    fd = temporary_file(ret_why);
    if (fd < 0)
        return fd;
    while ((n = unpack_read(unpack, buffer, UNPACK_BUFFER, ret_why)) > 0) {
        int r = temporary_write(fd, buffer, (size_t)n, ret_why);
        if (r < 0)
            return r;
    }
    return n < 0 ? (int)n : TAKE_FD(fd);
}

const char *unpack_name(const struct unpack *unpack)
{
    return unpack->codec->name;
}

uint64_t unpack_consumed(const struct unpack *unpack)
{
    return unpack->read - (unpack->end - unpack->start);
}

uint64_t unpack_produced(const struct unpack *unpack)
{
    return unpack->produced;
}
