/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scope-bound resources: the one header that vmm/ and generator/ share. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f)                  __attribute__((cleanup(f)))
#define _printf_(a, b)                __attribute__((format(printf, a, b)))
#define _unused_                      __attribute__((unused))
#define ELEMENTSOF(x)                 (sizeof(x) / sizeof((x)[0]))
#define container_of(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

/* Hands a pointer over: yields it and leaves NULL behind. */
#define TAKE_PTR(p)                                                                                \
    ({                                                                                             \
        __typeof__(p) *_pp = &(p), _taken = *_pp;                                                  \
        *_pp = NULL;                                                                               \
        _taken;                                                                                    \
    })

/* Hands a file descriptor over: yields it and leaves -EBADF behind. */
#define TAKE_FD(fd)                                                                                \
    ({                                                                                             \
        int *_pfd = &(fd), _taken = *_pfd;                                                         \
        *_pfd = -EBADF;                                                                            \
        _taken;                                                                                    \
    })

/* Closes FD if it is one; keeps errno; always returns -EBADF, to be stored in its place. */
static inline int close_fd(int fd)
{
    if (fd >= 0) {
        int saved = errno;
        (void)close(fd);
        errno = saved;
    }
    return -EBADF;
}

static inline void cleanup_close(int *fd)
{
    (void)close_fd(*fd);
}

static inline void cleanup_free(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_fclose(FILE **f)
{
    if (*f)
        (void)fclose(*f);
}

#define _cleanup_close_  _cleanup_(cleanup_close)
#define _cleanup_free_   _cleanup_(cleanup_free)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)
