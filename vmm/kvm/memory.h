/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest memory: one sealed memfd, mapped once, laid out below and above the PCI hole. */
#pragma once

#include "vmm/cleanup.h"

/* RAM ends here at the latest; the PCI hole reaches from here to 4 GiB. */
#define GUEST_MEMORY_LOW_END    UINT64_C(0xc0000000)
#define GUEST_MEMORY_HIGH_START UINT64_C(0x100000000)
#define GUEST_MEMORY_MIN        (UINT64_C(16) << 20)
#define GUEST_MEMORY_MAX        (UINT64_C(1) << 40)

struct memory_region {
    uint64_t gpa;    /* guest physical address */
    uint64_t size;   /* bytes */
    uint64_t offset; /* into the memfd */
};

struct guest_memory {
    int fd;
    uint8_t *base;
    uint64_t size;
    struct memory_region regions[2];
    unsigned n_regions;
};

/*
 * SIZE is in bytes, a multiple of 4096, from GUEST_MEMORY_MIN to GUEST_MEMORY_MAX. Nothing is
 * pre-faulted. -EINVAL for another size, else 0 or -errno. guest_memory_done() takes a zeroed one.
 */
int guest_memory_init(struct guest_memory *memory, uint64_t size);
void guest_memory_done(struct guest_memory *memory);

/*
 * The one way to guest memory: LENGTH bytes at guest physical address GPA, or NULL unless every
 * byte is RAM of one region. The guest may change the bytes at any time: copy, check, use the copy.
 */
void *guest_memory_at(const struct guest_memory *memory, uint64_t gpa, uint64_t length);

/* Copies bytes in or out. -EFAULT where guest_memory_at() says NULL. */
int guest_memory_write(const struct guest_memory *memory, uint64_t gpa, const void *data,
                       size_t length);
int guest_memory_read(const struct guest_memory *memory, uint64_t gpa, void *ret_data,
                      size_t length);

/* First address after the RAM below the PCI hole. */
uint64_t guest_memory_low_end(const struct guest_memory *memory);
