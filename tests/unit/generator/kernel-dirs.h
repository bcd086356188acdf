/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Managed kernels in a directory that stands for /. */
#pragma once

#include "generator/kernel-verify.h"
#include "generator/managed-kernel.h"

#include "temporary-dir.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LOCAL  "var/lib/volt/kernels"
#define VENDOR "usr/lib/volt/kernels"

static inline struct temporary_dir new_root(void)
{
    struct temporary_dir dir = temporary_dir_new();

    make_dirs(&dir, LOCAL);
    make_dirs(&dir, VENDOR);
    return dir;
}

static inline void make_link(const struct temporary_dir *dir, const char *path, const char *target)
{
    char full[PATH_MAX];

    assert_int_equal(symlink(target, temporary_path(dir, path, full)), 0);
}

static inline void entry_of(const struct temporary_dir *dir, const char *path,
                            struct kernel_file_entry *ret)
{
    char full[PATH_MAX];
    _cleanup_close_ int fd = open(temporary_path(dir, path, full), O_RDONLY | O_CLOEXEC);
    struct stat st;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(sha256_file(fd, ret->sha256), 0);
    *ret = (struct kernel_file_entry){
        .there = true, .size = (uint64_t)st.st_size, .mtime = st.st_mtim};
    assert_int_equal(sha256_file(fd, ret->sha256), 0);
}

/* A kernel with all that volt-kernel makes. */
static inline void make_kernel(const struct temporary_dir *dir, const char *path,
                               const char *vmlinux)
{
    struct kernel_manifest manifest = {.version = "6.1.0-1-test", .source = "/boot/x y"};
    char name[256], text_path[PATH_MAX];

    make_dirs(dir, path);
    for (unsigned i = 0; i < KERNEL_FILES; i++) {
        (void)snprintf(name, sizeof(name), "%s/%s", path, kernel_file_names[i]);
        temporary_write(dir, name,
                        i == KERNEL_VMLINUX   ? vmlinux
                        : i == KERNEL_CMDLINE ? "quiet x=\"a $b\"\n"
                                              : "text");
        entry_of(dir, name, &manifest.files[i]);
    }
    (void)snprintf(name, sizeof(name), "%s/manifest", path);
    _cleanup_fclose_ FILE *f = fopen(temporary_path(dir, name, text_path), "we");
    assert_non_null(f);
    kernel_manifest_write(f, &manifest);
}

static inline int read_fd(int fd, char *buffer, size_t size)
{
    ssize_t n = pread(fd, buffer, size - 1, 0);

    buffer[n < 0 ? 0 : n] = '\0';
    (void)close(fd);
    return (int)n;
}
