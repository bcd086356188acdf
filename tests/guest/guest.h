/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What bare-metal payloads share: ports, MMIO, the console, and the ways out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where vmm/bus/platform.h and vmm/boot/layout.h put things; written down again, so that a change
 * is noticed. */
enum {
    PORT_KEYBOARD = 0x64,
    PORT_SERIAL = 0x3f8,
    PORT_PVPANIC = 0x505,
    PORT_SLEEP_CONTROL = 0x600,
    PORT_RESET = 0x602,
    PORT_BOOT_TIMER = 0x610,
    PORT_RESET_CONTROL = 0xcf9,
    ZERO_PAGE = 0x7000,
    WARM_BOOT_FLAG = 0x472,
};
#define PCI_WINDOW 0xc0000000ul
#define ECAM       0xe0000000ul
#define LOCAL_APIC 0xfee00000ul

static inline void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint16_t in16(uint16_t port)
{
    uint16_t value;

    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint32_t in32(uint16_t port)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline void write8(uint64_t address, uint8_t value)
{
    *(volatile uint8_t *)address = value;
}

static inline void write16(uint64_t address, uint16_t value)
{
    *(volatile uint16_t *)address = value;
}

static inline void write32(uint64_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

static inline void write64(uint64_t address, uint64_t value)
{
    *(volatile uint64_t *)address = value;
}

static inline uint8_t read8(uint64_t address)
{
    return *(volatile uint8_t *)address;
}

static inline uint16_t read16(uint64_t address)
{
    return *(volatile uint16_t *)address;
}

static inline uint32_t read32(uint64_t address)
{
    return *(volatile uint32_t *)address;
}

static inline uint64_t read64(uint64_t address)
{
    return *(volatile uint64_t *)address;
}

static inline void relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

/* Processor cycles: some 2 to 4 a nanosecond, where nothing better is known. */
static inline uint64_t cycles(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static inline void pass(uint64_t n)
{
    for (uint64_t begin = cycles(); cycles() - begin < n;)
        relax();
}

static inline void print(const char *text)
{
    for (; *text; text++)
        out8(PORT_SERIAL, (uint8_t)*text);
}

static inline void print_hex(uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        out8(PORT_SERIAL, (uint8_t) "0123456789abcdef"[value >> shift & 15]);
}

static inline void __attribute__((noreturn)) halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

static inline void __attribute__((noreturn)) power_off(void)
{
    out8(PORT_SLEEP_CONTROL, 5 << 2 | 1 << 5);
    halt();
}

/* Ends with exit status 100, which no payload ends with when all is well but the one that wants it.
 */
static inline void __attribute__((noreturn)) fail(const char *what, uint64_t value)
{
    print("FAIL: ");
    print(what);
    print(" ");
    print_hex(value);
    print("\n");
    out8(PORT_PVPANIC, 1);
    halt();
}

#define CHECK(condition, value)                                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail(#condition, (uint64_t)(value));                                                   \
    } while (0)

/* The kernel's. */
static inline const char *command_line(void)
{
    return (const char *)(uintptr_t)read32(ZERO_PAGE + 0x228);
}

/* The last word of the kernel's command line: what the test wants. */
static inline const char *wanted(void)
{
    const char *text = command_line(), *word = text;

    for (; *text; text++)
        if (*text == ' ')
            word = text + 1;
    return word;
}

static inline bool equal(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return *a == *b;
}

void *memset(void *p, int value, size_t n);
void *memcpy(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* Each payload's main function. */
void guest_main(void);
