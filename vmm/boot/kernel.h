/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernel images: which kind one is, and where it went in guest memory. */
#pragma once

#include <asm/bootparam.h>

#include "vmm/cleanup.h"

struct guest_memory;

struct kernel {
    uint64_t entry;             /* guest physical address of the 64-bit entry point */
    uint64_t start, end;        /* guest physical range that image, bss and decompression occupy */
    uint64_t initrd_max;        /* last address that an initrd may occupy */
    uint32_t cmdline_max;       /* characters, without the final NUL */
    struct setup_header header; /* for the zero page */
};

/*
 * Loads an ELF vmlinux or a bzImage from FD, whose bytes are hostile until checked, straight into
 * MEMORY. FD is a regular file and stays the caller's. With MAP, it never changes: an ELF vmlinux
 * is mapped, not copied, where its pages are guest pages. -ENOEXEC for a file that is no such
 * kernel, -EFAULT or -ENOSPC for one that does not fit the guest's memory, -EIO for a truncated
 * one; logs the reason.
 */
int kernel_load(int fd, bool map, struct guest_memory *memory, struct kernel *ret);

/* The two formats, each after kernel_load() has recognised it. Same errors. */
int elf_load(int fd, bool map, struct guest_memory *memory, struct kernel *ret);
int bzimage_load(int fd, const struct guest_memory *memory, struct kernel *ret);

/* Reads exactly LENGTH bytes of FD at OFFSET. -EIO where the file ends before. */
int kernel_read(int fd, void *ret_data, size_t length, uint64_t offset);

/* The same into fresh guest memory at GPA, where holes of the file are left as they are: zero.
 * -EFAULT where that is not RAM. */
int kernel_read_guest_data(int fd, const struct guest_memory *memory, uint64_t gpa, uint64_t length,
                           uint64_t offset);

/* The same, and whole pages are mapped, not read. */
int kernel_map_guest_data(int fd, struct guest_memory *memory, uint64_t gpa, uint64_t length,
                          uint64_t offset);

/* The same as kernel_read_guest_data(), holes and all. */
int kernel_read_guest(int fd, const struct guest_memory *memory, uint64_t gpa, uint64_t length,
                      uint64_t offset);
