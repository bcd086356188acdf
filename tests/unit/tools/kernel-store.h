/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stores of kernels for tests: what fills them, and what finds out whether all in them is whole. */
#pragma once

#include <fcntl.h>

#include "generator/kernel-verify.h"
#include "tests/unit/generator/temporary-dir.h"
#include "tests/unit/vmm/test.h"
#include "tools/kernel/listing.h"
#include "tools/kernel/store.h"

static inline void nobody_waits(void)
{
    abort();
}

static inline void somebody_waits(void)
{
}

/* As volt-kernel add does; for children, so without an assertion. TEXT is what all its files have.
 */
static inline int add(const char *root, const char *name, const char *text, bool replace,
                      char **ret_why)
{
    _cleanup_(store_done) struct store store = {.dir_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_(stage_done) struct stage stage = {.fd = -EBADF};
    int r = store_open(root, somebody_waits, &store, ret_why);

    if (r >= 0)
        r = stage_open(&store, name, &stage, ret_why);
    if (r < 0)
        return r;
    kernel_manifest_set(stage.manifest.version, KERNEL_VERSION_SIZE, text);
    for (unsigned i = 0; i < KERNEL_FILES && r >= 0; i++)
        r = stage_text(&stage, i, text, ret_why);
    return r < 0 ? r : stage_commit(&stage, replace, ret_why);
}

static inline void added(const char *root, const char *name, const char *text, bool replace)
{
    char *why = NULL;

    if (add(root, name, text, replace, &why) < 0)
        fail_msg("%s: %s", name, why);
}

static inline int take_away(const char *root, const char *name)
{
    _cleanup_(store_done) struct store store = {.dir_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_free_ char *why = NULL;
    int r = store_open(root, somebody_waits, &store, &why);

    return r < 0 ? r : store_remove(&store, name, &why);
}

static inline int choose(const char *root, const char *name)
{
    _cleanup_(store_done) struct store store = {.dir_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_free_ char *why = NULL;
    int r = store_open(root, somebody_waits, &store, &why);

    return r < 0 ? r : store_set_default(&store, name, &why);
}

/* All files are of one version, which is that of the manifest, and they are as that says. */
static inline void assert_whole(const char *root, const struct listed_kernel *kernel)
{
    struct kernel_dir dir;

    assert_int_equal(kernel->state, KERNEL_MANAGED);
    assert_int_equal(kernel_store_open_in(root, KERNEL_LAYER_LOCAL, kernel->name, &dir), 0);
    for (unsigned i = 0; i < KERNEL_FILES; i++) {
        _cleanup_close_ int fd = kernel_dir_open_file(&dir, kernel_file_names[i], true);
        _cleanup_free_ char *why = NULL, *text = NULL;
        const char *how;
        size_t size;

        assert_true(fd >= 0);
        if (kernel_verify(fd, &kernel->manifest.files[i], true, &how, &why) < 0)
            fail_msg("%s: %s: %s", kernel->name, kernel_file_names[i], why);
        assert_int_equal(kernel_dir_read(&dir, kernel_file_names[i], true, 100, &text, &size), 0);
        assert_string_equal(text, kernel->manifest.version);
    }
    kernel_dir_done(&dir);
}

/* The version of NAME, once all kernels are known to be whole; "" where there is none. */
static inline void version_of(const char *root, const char *name,
                              char version[static KERNEL_VERSION_SIZE])
{
    _cleanup_listing_ struct listing listing = {0};

    version[0] = '\0';
    assert_int_equal(listing_read(root, &listing), 0);
    for (size_t i = 0; i < listing.count; i++) {
        assert_whole(root, &listing.items[i]);
        if (strcmp(listing.items[i].name, name) == 0)
            strcpy(version, listing.items[i].manifest.version);
    }
}

static inline unsigned clean(const char *root)
{
    _cleanup_(store_done) struct store store = {.dir_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_free_ char *why = NULL;
    unsigned count;

    assert_int_equal(store_open(root, nobody_waits, &store, &why), 0);
    assert_int_equal(store_clean(&store, &count, &why), 0);
    return count;
}

#define assert_version(root, name, expected)                                                       \
    do {                                                                                           \
        char found_[KERNEL_VERSION_SIZE];                                                          \
        version_of(root, name, found_);                                                            \
        assert_string_equal(found_, expected);                                                     \
    } while (0)
