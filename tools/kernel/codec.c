/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways of packing that Linux's kernels and initrds come in, each by its library. */
#include "tools/kernel/codec.h"

#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

/* What one stream may make us hold. Linux packs with dictionaries of up to 128 MiB. */
enum { CODEC_WINDOW_LOG_MAX = 27 };
#define CODEC_MEMORY_MAX (UINT64_C(200) << 20)

static int gzip_init(void **ret_state)
{
    z_stream *z = calloc(1, sizeof(*z));

    if (!z)
        return -ENOMEM;
    if (inflateInit2(z, 15 + 16) != Z_OK) { /* a gzip header, the largest window */
        free(z);
        return -ENOMEM;
    }
    *ret_state = z;
    return 0;
}

static int gzip_step(void *state, struct codec_step *step)
{
    z_stream *z = state;

    z->next_in = (Bytef *)(uintptr_t)step->in;
    z->avail_in = (uInt)(step->in_end - step->in);
    z->next_out = step->out;
    z->avail_out = (uInt)(step->out_end - step->out);
    int r = inflate(z, Z_NO_FLUSH);
    step->in = z->next_in;
    step->out = z->next_out;
    step->ended = r == Z_STREAM_END;
    if (r == Z_MEM_ERROR)
        return -ENOMEM;
    return r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR ? 0 : -EBADMSG;
}

static void gzip_done(void *state)
{
    (void)inflateEnd(state);
    free(state);
}

static int lzma_init(void **ret_state, lzma_ret (*decoder)(lzma_stream *stream))
{
    lzma_stream *x = calloc(1, sizeof(*x));

    if (!x)
        return -ENOMEM;
    *x = (lzma_stream)LZMA_STREAM_INIT;
    if (decoder(x) != LZMA_OK) {
        free(x);
        return -ENOMEM;
    }
    *ret_state = x;
    return 0;
}

static lzma_ret xz_decoder(lzma_stream *stream)
{
    return lzma_stream_decoder(stream, CODEC_MEMORY_MAX, 0);
}

static lzma_ret alone_decoder(lzma_stream *stream)
{
    return lzma_alone_decoder(stream, CODEC_MEMORY_MAX);
}

static int xz_init(void **ret_state)
{
    return lzma_init(ret_state, xz_decoder);
}

static int alone_init(void **ret_state)
{
    return lzma_init(ret_state, alone_decoder);
}

static int lzma_step(void *state, struct codec_step *step)
{
    lzma_stream *x = state;

    x->next_in = step->in;
    x->avail_in = (size_t)(step->in_end - step->in);
    x->next_out = step->out;
    x->avail_out = (size_t)(step->out_end - step->out);
    lzma_ret r = lzma_code(x, LZMA_RUN);
    step->in = x->next_in;
    step->out = x->next_out;
    step->ended = r == LZMA_STREAM_END;
    switch (r) {
    case LZMA_OK:
    case LZMA_STREAM_END:
    case LZMA_BUF_ERROR: /* no progress: the caller sees that */
        return 0;
    case LZMA_MEM_ERROR:
        return -ENOMEM;
    case LZMA_MEMLIMIT_ERROR:
        return -EFBIG;
    default:
        return -EBADMSG;
    }
}

static void lzma_done(void *state)
{
    lzma_end(state);
    free(state);
}

static int zstd_init(void **ret_state)
{
    ZSTD_DStream *stream = ZSTD_createDStream();

    if (!stream)
        return -ENOMEM;
    (void)ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, CODEC_WINDOW_LOG_MAX);
    *ret_state = stream;
    return 0;
}

static int zstd_step(void *state, struct codec_step *step)
{
    ZSTD_inBuffer in = {.src = step->in, .size = (size_t)(step->in_end - step->in)};
    ZSTD_outBuffer out = {.dst = step->out, .size = (size_t)(step->out_end - step->out)};

    size_t r = ZSTD_decompressStream(state, &out, &in);
    step->in += in.pos;
    step->out += out.pos;
    if (!ZSTD_isError(r)) {
        step->ended = r == 0;
        return 0;
    }
    /* Its codes have names in the static library only; a window is what can be too large. */
    return strstr(ZSTD_getErrorName(r), "memory") ? -EFBIG : -EBADMSG;
}

static void zstd_done(void *state)
{
    (void)ZSTD_freeDStream(state);
}

static int stored_init(void **ret_state)
{
    *ret_state = NULL;
    return 0;
}

static int stored_step(void *state _unused_, struct codec_step *step)
{
    size_t n = (size_t)(step->in_end - step->in), room = (size_t)(step->out_end - step->out);

    if (n > room)
        n = room;
    memcpy(step->out, step->in, n);
    step->in += n;
    step->out += n;
    step->ended = step->last && step->in == step->in_end;
    return 0;
}

static void stored_done(void *state _unused_)
{
}

const struct codec codec_stored = {
    .name = "stored", .init = stored_init, .step = stored_step, .done = stored_done};

#define MAGIC(bytes) .magic = (bytes), .magic_size = sizeof(bytes) - 1

static const struct codec codecs[] = {
    {"gzip", MAGIC("\x1f\x8b\x08"), .init = gzip_init, .step = gzip_step, .done = gzip_done},
    {"xz",
     MAGIC("\xfd"
           "7zXZ\0"),
     .init = xz_init, .step = lzma_step, .done = lzma_done},
    {"lzma", MAGIC("\x5d\0\0"), .init = alone_init, .step = lzma_step, .done = lzma_done},
    {"zstd", MAGIC("\x28\xb5\x2f\xfd"), .init = zstd_init, .step = zstd_step, .done = zstd_done},
    {"lz4", MAGIC("\x02\x21\x4c\x18"), .init = codec_lz4_init, .step = codec_lz4_step,
     .done = codec_lz4_done},
    {"lz4 (frames)", MAGIC("\x04\x22\x4d\x18"),
     .unsupported = "Linux itself reads only lz4's legacy format, which lz4 -l makes"},
    {"bzip2", MAGIC("BZh"), .unsupported = "gzip, xz, lzma, zstd and lz4 are"},
    {"lzo", MAGIC("\x89LZO"), .unsupported = "gzip, xz, lzma, zstd and lz4 are"},
};

const struct codec *codec_find(const uint8_t *start, size_t size)
{
    for (size_t i = 0; i < ELEMENTSOF(codecs); i++) {
        if (size >= codecs[i].magic_size &&
            memcmp(start, codecs[i].magic, codecs[i].magic_size) == 0)
            return &codecs[i];
    }
    return NULL;
}
