/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One way of packing: what unpack.c asks of a library. */
#pragma once

#include "vmm/cleanup.h"

/* Where a step stands: it moves the starts, never beyond the ends. */
struct codec_step {
    const uint8_t *in, *in_end;
    uint8_t *out, *out_end;
    bool last; /* nothing follows in_end */
    bool ended;
};

struct codec {
    const char *name;
    const char *magic;
    size_t magic_size;
    const char *unsupported; /* known, not read: what would be right */
    int (*init)(void **ret_state);
    /* Uses up the input, or fills the output, or ends. -EBADMSG for what is damaged, -EFBIG for
     * what needs more memory than it may. */
    int (*step)(void *state, struct codec_step *step);
    void (*done)(void *state);
};

int codec_lz4_init(void **ret_state);
int codec_lz4_step(void *state, struct codec_step *step);
void codec_lz4_done(void *state);

/* What is not packed: goes through as it is. */
extern const struct codec codec_stored;

/* The codec of what begins with the SIZE bytes of START; NULL: none. */
const struct codec *codec_find(const uint8_t *start, size_t size);
