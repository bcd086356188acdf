/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the harnesses have in common: guest memory that says something else at each look, and is
 * never touched without a proof that it is there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint8_t nondet_u8(void);
uint16_t nondet_u16(void);
uint32_t nondet_u32(void);
uint64_t nondet_u64(void);
bool nondet_bool(void);

#define ASSUME(condition) __CPROVER_assume(condition)
/* A claim; the words come out where it is wrong. */
#define SHOW(condition, what) __CPROVER_assert(condition, what)

/* The guest's RAM, as large as anyone pleases; nothing in it is ever written down. */
extern uint8_t *model_ram;
extern uint64_t model_ram_size;

static inline bool model_in_ram(const volatile void *p, uint64_t size)
{
    uint64_t offset = __CPROVER_POINTER_OFFSET(p);

    return __CPROVER_same_object((const void *)p, model_ram) && offset <= model_ram_size &&
           size <= model_ram_size - offset;
}

/* Each of the guest's words, by any width: whatever it is now. */
#define MODEL_LOAD(p)                                                                              \
    ({                                                                                             \
        SHOW(model_in_ram(p, sizeof(*(p))), "what is read is RAM");                                \
        (__typeof__(*(p)))(sizeof(*(p)) == 8   ? nondet_u64()                                      \
                           : sizeof(*(p)) == 4 ? nondet_u32()                                      \
                                               : nondet_u16());                                    \
    })
#define MODEL_STORE(p, value)                                                                      \
    ({                                                                                             \
        SHOW(model_in_ram(p, sizeof(*(p))), "what is written is RAM");                             \
        model_stored((uint64_t)(__CPROVER_POINTER_OFFSET(p)), sizeof(*(p)), (uint64_t)(value));    \
    })

/* The harness's: a store to the guest's memory. */
void model_stored(uint64_t offset, uint64_t size, uint64_t value);
