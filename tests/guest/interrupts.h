/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interrupts of one processor: each is counted, and that is all. */
#pragma once

#include "guest.h"

enum {
    INTERRUPT_FIRST = 0x30,
    INTERRUPTS = 32,
};

/* How often interrupt INTERRUPT_FIRST + i came. */
extern volatile uint32_t interrupts[INTERRUPTS];

/* Once: from here on they come. */
void interrupts_enable(void);

/* Waits until interrupt I came more than N times; false where it does not. */
bool interrupt_wait(unsigned i, uint32_t n);

static inline void interrupts_off(void)
{
    __asm__ volatile("cli" : : : "memory");
}

/* Turns them on and sleeps until one comes: none is lost in between. */
static inline void interrupts_on_and_sleep(void)
{
    __asm__ volatile("sti; hlt" : : : "memory");
}
