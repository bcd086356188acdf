/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel formats, one function each, for kernel_import_open() alone. Each fills RET, which its
 * caller empties after failure too; 0, or -errno with *RET_WHY, as there. */
#pragma once

#include "tools/kernel/import.h"
#include "tools/kernel/source.h"

/* Enough of a file's front to tell what it is. */
enum { FORMAT_START = 1024 };

/* The architecture that ELF calls MACHINE, for a message. */
const char *vmlinux_architecture(unsigned machine);

int format_vmlinux(const struct source *source, struct kernel_import *ret, char **ret_why);
int format_bzimage(const struct source *source, struct kernel_import *ret, char **ret_why);
int format_uki(const struct source *source, struct kernel_import *ret, char **ret_why);
int format_deb(const struct source *source, struct kernel_import *ret, char **ret_why);

/* What is inside another format: an ELF or a bzImage, nothing else. */
int format_kernel(const struct source *source, struct kernel_import *ret, char **ret_why);

/*
 * Checks that FD, a temporary file of ours, is a kernel as volt-vmm loads it, and finds version and
 * configuration: RET->vmlinux_fd becomes FD, which is taken on success. NAME is for messages.
 */
int vmlinux_take(int fd, const char *name, struct kernel_import *ret, char **ret_why);

/* VERSION up to the first blank, if that is a version to show: *RET, the caller's to free; NULL: it
 * is none. At most SIZE bytes are looked at. 0 or -ENOMEM. */
int version_word(const char *version, size_t size, char **ret);
