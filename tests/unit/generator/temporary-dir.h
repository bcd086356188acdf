/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A directory for one test, gone with it; and small files in it. */
#pragma once

#include "vmm/cleanup.h"

#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

struct temporary_dir {
    char path[32];
};

static inline int temporary_dir_remove_one(const char *path, const struct stat *st _unused_,
                                           int type _unused_, struct FTW *ftw _unused_)
{
    return remove(path);
}

static inline void temporary_dir_done(struct temporary_dir *dir)
{
    (void)nftw(dir->path, temporary_dir_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Yields an initialiser; the test ends if there is no directory. */
static inline struct temporary_dir temporary_dir_new(void)
{
    struct temporary_dir dir = {"/tmp/volt-test.XXXXXX"};

    if (!mkdtemp(dir.path))
        abort();
    return dir;
}

/* DIR/NAME, in a buffer of PATH_MAX. */
static inline const char *temporary_path(const struct temporary_dir *dir, const char *name,
                                         char *buffer)
{
    (void)snprintf(buffer, PATH_MAX, "%s/%s", dir->path, name);
    return buffer;
}

static inline void temporary_write_bytes(const struct temporary_dir *dir, const char *name,
                                         const void *data, size_t size)
{
    char path[PATH_MAX];
    FILE *f = fopen(temporary_path(dir, name, path), "we");

    if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0)
        abort();
}

static inline void temporary_write(const struct temporary_dir *dir, const char *name,
                                   const char *text)
{
    temporary_write_bytes(dir, name, text, strlen(text));
}

/* DIR/PATH, and the directories that it is in. */
static inline void make_dirs(const struct temporary_dir *dir, const char *path)
{
    char full[PATH_MAX];

    (void)temporary_path(dir, path, full);
    for (char *p = full + strlen(dir->path) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        (void)mkdir(full, 0755);
        *p = '/';
    }
    (void)mkdir(full, 0755);
}

static inline bool temporary_exists(const struct temporary_dir *dir, const char *name)
{
    char path[PATH_MAX];

    return access(temporary_path(dir, name, path), F_OK) == 0;
}

#define _cleanup_temporary_dir_ _cleanup_(temporary_dir_done)
