/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fuzz input, taken apart from its front. Past its end there are zeros. */
#pragma once

#include <string.h>

#include "vmm/cleanup.h"

struct input {
    const uint8_t *data;
    size_t size;
};

static inline void input_take(struct input *input, void *ret, size_t n)
{
    size_t there = n < input->size ? n : input->size;

    memset(ret, 0, n);
    if (there > 0)
        memcpy(ret, input->data, there);
    input->data += there;
    input->size -= there;
}

static inline uint8_t input_8(struct input *input)
{
    uint8_t value;

    input_take(input, &value, sizeof(value));
    return value;
}

static inline uint16_t input_16(struct input *input)
{
    uint16_t value;

    input_take(input, &value, sizeof(value));
    return value;
}

static inline uint32_t input_32(struct input *input)
{
    uint32_t value;

    input_take(input, &value, sizeof(value));
    return value;
}

static inline uint64_t input_64(struct input *input)
{
    uint64_t value;

    input_take(input, &value, sizeof(value));
    return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* What must hold whatever the input is. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
