/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of a managed kernel were when it was added: the file "manifest" beside them, lines
 * KEY=VALUE as in os-release(5), without quotes. */
#pragma once

#include "generator/sha256.h"

#include <time.h>

#define KERNEL_MANIFEST      "manifest"
#define KERNEL_MANIFEST_MAX  16384 /* bytes */
#define KERNEL_VERSION_SIZE  128
#define KERNEL_FORMAT_SIZE   64
#define KERNEL_SOURCE_SIZE   1024
#define KERNEL_ADDED_SIZE    sizeof("2026-11-23T07:10:07Z")
#define KERNEL_VERITY_SIZE   160 /* "sha256:" or "sha512:" and the digits */
#define KERNEL_FILE_SIZE_MAX (UINT64_C(1) << 40)

enum kernel_file { KERNEL_VMLINUX, KERNEL_INITRD, KERNEL_CMDLINE, KERNEL_CONFIG, KERNEL_FILES };

/* "vmlinux", "initrd", … */
extern const char *const kernel_file_names[KERNEL_FILES];

struct kernel_file_entry {
    bool there;
    uint8_t sha256[SHA256_SIZE];
    uint64_t size;
    struct timespec mtime;
    char verity[KERNEL_VERITY_SIZE]; /* fs-verity's digest of it; empty: it has none */
};

struct kernel_manifest {
    char version[KERNEL_VERSION_SIZE]; /* without a blank */
    char format[KERNEL_FORMAT_SIZE];   /* of what it was added from; may be empty, also below */
    char source[KERNEL_SOURCE_SIZE];
    char added[KERNEL_ADDED_SIZE];
    struct kernel_file_entry files[KERNEL_FILES];
};

/* Reads SIZE bytes of TEXT, which are hostile until checked. Keys that are not known are those of
 * newer versions. 0; -EINVAL, with the reason and the line in *RET_WHY (the caller's to free). */
int kernel_manifest_read(const char *text, size_t size, struct kernel_manifest *ret,
                         char **ret_why);

void kernel_manifest_write(FILE *f, const struct kernel_manifest *manifest);

/* Copies TEXT into TO, as much as fits SIZE, with '?' for what a manifest's value cannot have. */
void kernel_manifest_set(char *to, size_t size, const char *text);
