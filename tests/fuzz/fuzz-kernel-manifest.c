/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manifest of a managed kernel, which volt-open reads as root: what is taken from it is in bounds,
 * printable, and the same once it was written again. */
#include <string.h>

#include "generator/kernel-manifest.h"
#include "tests/fuzz/input.h"

static void check_text(const char *text, size_t size)
{
    MUST(memchr(text, '\0', size));
    for (; *text; text++)
        MUST(*text >= ' ' && *text <= '~');
}

static void check_manifest(const struct kernel_manifest *manifest)
{
    check_text(manifest->version, sizeof(manifest->version));
    check_text(manifest->format, sizeof(manifest->format));
    check_text(manifest->source, sizeof(manifest->source));
    check_text(manifest->added, sizeof(manifest->added));
    MUST(manifest->version[0] && !strchr(manifest->version, ' '));
    MUST(manifest->files[KERNEL_VMLINUX].there);
    for (unsigned i = 0; i < KERNEL_FILES; i++) {
        const struct kernel_file_entry *entry = &manifest->files[i];

        check_text(entry->verity, sizeof(entry->verity));
        MUST(entry->size <= KERNEL_FILE_SIZE_MAX);
        MUST(entry->mtime.tv_sec >= 0 && entry->mtime.tv_nsec >= 0 &&
             entry->mtime.tv_nsec < 1000000000);
    }
}

static void check_again(const struct kernel_manifest *manifest)
{
    struct kernel_manifest again;
    _cleanup_free_ char *text = NULL, *why = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    MUST(f);
    kernel_manifest_write(f, manifest);
    MUST(fclose(f) == 0);
    /* Comments and keys that nobody knows took the room that it has now. */
    MUST(kernel_manifest_read(text, size, &again, &why) == 0);
    MUST(memcmp(&again, manifest, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kernel_manifest manifest;
    _cleanup_free_ char *why = NULL;

    memset(&manifest, 0xff, sizeof(manifest));
    int r = kernel_manifest_read((const char *)data, size, &manifest, &why);
    MUST(r == 0 || r == -EINVAL);
    MUST(!why == (r == 0));
    if (r == 0) {
        check_manifest(&manifest);
        check_again(&manifest);
    } else {
        check_text(why, strlen(why) + 1);
    }
    return 0;
}
