/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lz4's legacy format, the only one that Linux reads: a magic number, then blocks of up to 8 MiB,
 * each after its packed size; no end mark, no checksum. liblz4 has no reader of it. */
#include <lz4.h>
#include <string.h>

#include "tools/kernel/codec.h"

enum {
    LZ4_MAGIC = 0x184c2102,
    LZ4_BLOCK_MAX = 8 << 20,
    LZ4_PACKED_MAX = LZ4_COMPRESSBOUND(LZ4_BLOCK_MAX),
};

struct lz4 {
    uint8_t size_bytes[4];
    size_t size_have;  /* bytes of them */
    size_t size;       /* of the packed block, once its four bytes are here */
    size_t have;       /* bytes of the packed block */
    size_t start, end; /* unpacked bytes that wait */
    uint8_t *packed, *unpacked;
};

int codec_lz4_init(void **ret_state)
{
    struct lz4 *lz4 = calloc(1, sizeof(*lz4));

    if (!lz4)
        return -ENOMEM;
    lz4->packed = malloc(LZ4_PACKED_MAX);
    lz4->unpacked = malloc(LZ4_BLOCK_MAX);
    if (!lz4->packed || !lz4->unpacked) {
        codec_lz4_done(lz4);
        return -ENOMEM;
    }
    *ret_state = lz4;
    return 0;
}

void codec_lz4_done(void *state)
{
    struct lz4 *lz4 = state;

    free(lz4->packed);
    free(lz4->unpacked);
    free(lz4);
}

/* Moves bytes of the input until *HAVE is WANT. */
static bool gather(struct codec_step *step, uint8_t *to, size_t *have, size_t want)
{
    size_t n = (size_t)(step->in_end - step->in);

    if (n > want - *have)
        n = want - *have;
    memcpy(to + *have, step->in, n);
    *have += n;
    step->in += n;
    return *have == want;
}

/* The size of the next block, or that there is none. */
static int take_size(struct lz4 *lz4, struct codec_step *step)
{
    if (!gather(step, lz4->size_bytes, &lz4->size_have, sizeof(lz4->size_bytes))) {
        step->ended = step->last && lz4->size_have == 0;
        return 0;
    }
    uint32_t size = (uint32_t)lz4->size_bytes[0] | (uint32_t)lz4->size_bytes[1] << 8 |
                    (uint32_t)lz4->size_bytes[2] << 16 | (uint32_t)lz4->size_bytes[3] << 24;
    lz4->size_have = 0;
    if (size == LZ4_MAGIC) /* the first, or one stream after another */
        return 0;
    if (size == 0) { /* Linux ends there, too: padding */
        step->ended = true;
        return 0;
    }
    if (size > LZ4_PACKED_MAX)
        return -EBADMSG;
    lz4->size = size;
    lz4->have = 0;
    return 0;
}

static int take_block(struct lz4 *lz4, struct codec_step *step)
{
    if (!gather(step, lz4->packed, &lz4->have, lz4->size))
        return 0;
    int n = LZ4_decompress_safe((const char *)lz4->packed, (char *)lz4->unpacked, (int)lz4->size,
                                LZ4_BLOCK_MAX);
    if (n < 0)
        return -EBADMSG;
    lz4->size = 0;
    lz4->start = 0;
    lz4->end = (size_t)n;
    return 0;
}

int codec_lz4_step(void *state, struct codec_step *step)
{
    struct lz4 *lz4 = state;
    int r = 0;

    while (r == 0 && !step->ended) {
        size_t n = lz4->end - lz4->start, room = (size_t)(step->out_end - step->out);
        if (n > room)
            n = room;
        memcpy(step->out, lz4->unpacked + lz4->start, n);
        step->out += n;
        lz4->start += n;
        if (lz4->start < lz4->end)
            break;
        const uint8_t *before = step->in;
        r = lz4->size ? take_block(lz4, step) : take_size(lz4, step);
        if (step->in == before && lz4->start == lz4->end)
            break;
    }
    return r;
}
