/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest memory: one mapping, laid out below and above the PCI hole; and, in its place, pages of a
 * file. */
#pragma once

#include "vmm/cleanup.h"

/* RAM ends here at the latest; the PCI hole reaches from here to 4 GiB. */
#define GUEST_MEMORY_LOW_END    UINT64_C(0xc0000000)
#define GUEST_MEMORY_HIGH_START UINT64_C(0x100000000)
#define GUEST_MEMORY_MIN        (UINT64_C(16) << 20)
#define GUEST_MEMORY_MAX        (UINT64_C(1) << 40)

#define GUEST_MEMORY_HUGE_PAGE (UINT64_C(2) << 20)

/* What the host makes guest memory of. Linux makes transparent huge pages of anonymous memory
 * alone, unless its administrator turned them on for files in memory, too; the others are a sealed
 * memfd. */
enum guest_memory_pages {
    GUEST_MEMORY_TRANSPARENT, /* huge pages where the kernel finds some */
    GUEST_MEMORY_SMALL,       /* as the host pleases: 4 KiB, most often */
    GUEST_MEMORY_HUGE,        /* huge pages that are reserved on the host */
};

struct memory_region {
    uint64_t gpa;    /* guest physical address */
    uint64_t size;   /* bytes */
    uint64_t offset; /* into the mapping, and the memfd */
};

struct guest_memory {
    int fd; /* -EBADF: anonymous */
    uint8_t *base;
    uint64_t size;
    uint64_t page_size; /* what can be given back is a multiple of this */
    struct memory_region regions[2];
    unsigned n_regions;
    uint64_t file_begin, file_end; /* between these offsets there are pages of a file */
};

/*
 * SIZE is in bytes, a multiple of 4096, or of a huge page with GUEST_MEMORY_HUGE, from
 * GUEST_MEMORY_MIN to GUEST_MEMORY_MAX. Nothing is pre-faulted; huge pages are reserved, -ENOMEM
 * where there are too few. -EINVAL for another size, else 0 or -errno. guest_memory_done() takes a
 * zeroed one. Guest physical addresses and ours are the same modulo GUEST_MEMORY_HUGE_PAGE.
 */
int guest_memory_init_pages(struct guest_memory *memory, uint64_t size,
                            enum guest_memory_pages pages);
/* With GUEST_MEMORY_SMALL. */
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

/*
 * Puts LENGTH bytes of the regular file FD at OFFSET where RAM was at GPA, all multiples of 4096,
 * without reading them: pages that the guest leaves as they are stay the page cache's, for all VMs.
 * The file must neither change nor shrink as long as the VM runs. Never given back. -EFAULT where
 * that is not RAM, -EINVAL where it cannot be, as with reserved huge pages.
 */
int guest_memory_map_file(struct guest_memory *memory, uint64_t gpa, uint64_t length, int fd,
                          uint64_t offset);

/*
 * Gives the host back what lies whole between P and P + LENGTH, from guest_memory_at(), and is no
 * page of a file: it reads as zeros from then on. The bytes given back, whether or not there was
 * something in them, go to *RET_RELEASED. 0 or -errno.
 */
int guest_memory_release(const struct guest_memory *memory, const void *p, uint64_t length,
                         uint64_t *ret_released);

/* Whether what is given back may not be there when it is touched again. */
static inline bool guest_memory_is_reserved(const struct guest_memory *memory)
{
    return memory->page_size == GUEST_MEMORY_HUGE_PAGE;
}

/* First address after the RAM below the PCI hole. */
uint64_t guest_memory_low_end(const struct guest_memory *memory);
