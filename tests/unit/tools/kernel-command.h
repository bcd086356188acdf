/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands of volt-kernel, run below a directory of the test, and what they say. */
#pragma once

#include "tests/unit/generator/temporary-dir.h"
#include "tests/unit/vmm/test.h"
#include "tools/kernel/command.h"

/* What was said, to either; the status is in *RET_STATUS. */
static inline char *run(int (*command)(const struct arguments *), struct arguments *arguments,
                        int *ret_status)
{
    int saved = dup(STDOUT_FILENO);
    struct capture capture;

    (void)fflush(stdout);
    capture = capture_start();
    assert_true(dup2(capture.file, STDOUT_FILENO) >= 0);
    for (; arguments->words[arguments->n_words]; arguments->n_words++)
        ;
    *ret_status = command(arguments);
    (void)fflush(stdout);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    (void)close(saved);
    return capture_end(&capture);
}

#define check(command, status, said, ...)                                                          \
    do {                                                                                           \
        struct arguments arguments = {.root = dir.path, __VA_ARGS__};                              \
        int actual;                                                                                \
        _cleanup_free_ char *text = run(command, &arguments, &actual);                             \
        if (actual != (status) || !strstr(text, said))                                             \
            fail_msg("status %d, not %d: %s", actual, status, text);                               \
    } while (0)
#define WORDS(...)                                                                                 \
    .words = (char *[])                                                                            \
    {                                                                                              \
        __VA_ARGS__ __VA_OPT__(, ) NULL                                                            \
    }
