/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernel files as people have them, taken apart once, at import, so that no boot pays for it. Every
 * byte of them is hostile until it is checked. */
#pragma once

#include "vmm/cleanup.h"

/* What is refused beyond: of the file, and of each thing that comes out of it. */
#define IMPORT_INPUT_MAX   (UINT64_C(1) << 30)
#define IMPORT_VMLINUX_MAX (UINT64_C(512) << 20)
#define IMPORT_CONFIG_MAX  (UINT64_C(2) << 20)

struct kernel_import {
    int vmlinux_fd;     /* an unlinked temporary file: an ELF for x86-64, at offset 0 */
    int initrd_fd;      /* likewise; -EBADF: none */
    char *cmdline;      /* NULL: none; one line, no control characters */
    char *config;       /* the kernel's .config; NULL: not known */
    char *version;      /* such as "6.12.9-cloud-amd64"; never NULL, printable, no blank */
    const char *format; /* "elf", "bzImage (zstd)", "uki", "deb" …: a constant */
};

/*
 * Takes the kernel file FD apart: an ELF vmlinux, a bzImage, a unified kernel image or a Debian
 * package. FD is a regular file and stays the caller's; NAME is for messages. What comes out is
 * copied to temporary files in $TMPDIR (/var/tmp) and only the copies are looked at, so that a file
 * that changes meanwhile does no harm. 0, or -errno with *RET_WHY, the caller's to free, one line:
 * what is wrong and what would be right.
 *
 * -ENOEXEC: no kernel that Volt can boot; -EBADMSG: damaged or cut off; -EFBIG: beyond a limit;
 * -EOPNOTSUPP: packed in a way that is not read here.
 *
 * Of a unified kernel image with several profiles the base is taken, what stands before the first
 * profile. Its .ucode is left out: no guest loads microcode.
 */
int kernel_import_open(int fd, const char *name, struct kernel_import *ret, char **ret_why);

/* Frees and closes what there is; a struct that kernel_import_open() never filled must be
 * KERNEL_IMPORT_NONE. */
void kernel_import_done(struct kernel_import *import);

#define KERNEL_IMPORT_NONE                                                                         \
    (struct kernel_import)                                                                         \
    {                                                                                              \
        .vmlinux_fd = -EBADF, .initrd_fd = -EBADF                                                  \
    }
