/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a kernel file: taken apart with all that is promised of it, or refused with a
 * reason. */
#pragma once

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/fuzz/input.h"
#include "tools/kernel/import.h"

/* A memfd with the SIZE bytes of DATA; the same one each time. */
static inline int kernel_file(const uint8_t *data, size_t size)
{
    static int fd = -EBADF;

    if (fd < 0) {
        /* Many temporary files a second: not to a disk. */
        MUST(setenv("TMPDIR", "/dev/shm", 1) == 0);
        fd = memfd_create("kernel", MFD_CLOEXEC);
    }
    MUST(fd >= 0 && ftruncate(fd, 0) == 0);
    MUST(pwrite(fd, data, size, 0) == (ssize_t)size);
    return fd;
}

static inline void kernel_file_import(const uint8_t *data, size_t size)
{
    struct kernel_import import;
    char magic[4], *why = NULL;
    struct stat st;

    int r = kernel_import_open(kernel_file(data, size), "file", &import, &why);
    MUST((r < 0) == (why != NULL) && r <= 0);
    if (r < 0) {
        MUST(strncmp(why, "file: ", 6) == 0);
        for (const char *p = why; *p; p++) /* one line, and nothing for a terminal to obey */
            MUST((uint8_t)*p >= ' ' && *p != 0x7f);
        free(why);
        return;
    }
    MUST(pread(import.vmlinux_fd, magic, 4, 0) == 4 && memcmp(magic,
                                                              "\x7f"
                                                              "ELF",
                                                              4) == 0);
    MUST(fstat(import.vmlinux_fd, &st) == 0 && st.st_nlink == 0);
    MUST(import.version && import.version[0] && import.format);
    for (const char *p = import.version; *p; p++)
        MUST(*p > ' ' && *p < 0x7f && *p != '/');
    for (const char *p = import.cmdline; p && *p; p++)
        MUST((uint8_t)*p >= ' ' && *p != 0x7f);
    kernel_import_done(&import);
}
