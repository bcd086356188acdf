/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the VMM's unit tests share: cmocka, files in memory, and standard error under watch. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "vmm/cleanup.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* A memfd that holds N bytes of DATA. */
static inline int file_of(const void *data, size_t n)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, data, n, 0), n);
    return fd;
}

/* How often an eventfd was signalled since the last look. */
static inline uint64_t eventfd_count(int fd)
{
    uint64_t count = 0;

    return read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count) ? count : 0;
}

/* Standard error goes to a file until capture_end(), which returns what was written, to be freed.
 */
struct capture {
    int file, saved;
};

static inline struct capture capture_start(void)
{
    struct capture capture = {.file = memfd_create("stderr", MFD_CLOEXEC),
                              .saved = dup(STDERR_FILENO)};

    assert_true(capture.file >= 0 && capture.saved >= 0);
    assert_true(dup2(capture.file, STDERR_FILENO) >= 0);
    return capture;
}

static inline char *capture_end(struct capture *capture)
{
    char *text = calloc(1, 65536);

    assert_non_null(text);
    assert_true(dup2(capture->saved, STDERR_FILENO) >= 0);
    assert_true(pread(capture->file, text, 65535, 0) >= 0);
    capture->file = close_fd(capture->file);
    capture->saved = close_fd(capture->saved);
    return text;
}

static inline unsigned count_lines(const char *text)
{
    unsigned n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}
