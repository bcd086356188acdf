/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cpio archives for tests, in the "newc" format. */
#pragma once

#include "tests/unit/tools/kernel-image.h"

static inline void cpio_add(struct bytes *cpio, const char *name, unsigned mode, const void *data,
                            size_t size)
{
    char header[160];

    (void)snprintf(header, sizeof(header),
                   "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", 1, mode, 0, 0, 1,
                   0, size, 0, 0, 0, 0, strlen(name) + 1, 0);
    bytes_add(cpio, header, 110);
    bytes_add(cpio, name, strlen(name) + 1);
    bytes_align(cpio, 4);
    bytes_add(cpio, data, size);
    bytes_align(cpio, 4);
}

static inline void cpio_add_module(struct bytes *cpio, const char *name)
{
    cpio_add(cpio, name, 0100644, "module", 6);
}

static inline void cpio_end(struct bytes *cpio)
{
    cpio_add(cpio, "TRAILER!!!", 0, "", 0);
}
