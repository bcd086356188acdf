/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What bare-metal payloads share: ports, MMIO, the console, and the ways out. */
#pragma once

#include <stdint.h>

static inline void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline void write32(uint64_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

static inline uint32_t read32(uint64_t address)
{
    return *(volatile uint32_t *)address;
}

static inline void write16(uint64_t address, uint16_t value)
{
    *(volatile uint16_t *)address = value;
}

static inline void write8(uint64_t address, uint8_t value)
{
    *(volatile uint8_t *)address = value;
}

static inline uint8_t read8(uint64_t address)
{
    return *(volatile uint8_t *)address;
}

static inline void print(const char *text)
{
    for (; *text; text++)
        out8(0x3f8, (uint8_t)*text);
}

static inline void print_hex(uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        out8(0x3f8, (uint8_t) "0123456789abcdef"[value >> shift & 15]);
}

static inline void __attribute__((noreturn)) power_off(void)
{
    out8(0x600, 5 << 2 | 1 << 5);
    for (;;)
        __asm__ volatile("hlt");
}

/* Each payload's main function; RSI has the zero page. */
void guest_main(void);
