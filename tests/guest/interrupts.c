/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The interrupt descriptor table and the local APIC (Intel SDM 3A, 6.14.1 and 11.4). */
#include "interrupts.h"

enum {
    GATE_PRESENT = 0x8e00,
    STUB_SIZE = 16,
};

struct gate {
    uint16_t low, selector, flags, middle;
    uint32_t high, zero;
};

extern uint8_t interrupt_stubs[];
volatile uint32_t interrupts[INTERRUPTS];

static struct gate gates[INTERRUPT_FIRST + INTERRUPTS] __attribute__((aligned(16)));

void interrupts_enable(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) table = {sizeof(gates) - 1, (uint64_t)gates};
    uint16_t selector;

    __asm__ volatile("mov %%cs, %0" : "=r"(selector));
    for (unsigned i = 0; i < INTERRUPTS; i++) {
        uint64_t stub = (uint64_t)interrupt_stubs + i * STUB_SIZE;

        gates[INTERRUPT_FIRST + i] = (struct gate){
            .low = (uint16_t)stub,
            .selector = selector,
            .flags = GATE_PRESENT,
            .middle = (uint16_t)(stub >> 16),
            .high = (uint32_t)(stub >> 32),
        };
    }
    write32(LOCAL_APIC + 0xf0, 0x1ff);
    __asm__ volatile("lidt %0; sti" : : "m"(table));
}

bool interrupt_wait(unsigned i, uint32_t n)
{
    for (uint64_t begin = cycles(); interrupts[i] <= n; relax())
        if (cycles() - begin > 1ul << 30)
            return false;
    return true;
}
