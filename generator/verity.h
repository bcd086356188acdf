/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fs-verity: the kernel holds each page of a sealed file against one digest as it is read
 * (Documentation/filesystems/fsverity.rst in the kernel). */
#pragma once

#include "vmm/cleanup.h"

/* The file's digest as ALGORITHM:DIGITS. 0; -ENODATA: it is not sealed; -ENOBUFS; other -errno: the
 * file system knows nothing of it. */
int verity_measure(int fd, char *ret, size_t size);

/* Seals the file of FD, which is open for reading and for nobody for writing. 0 or -errno. */
int verity_enable(int fd);
