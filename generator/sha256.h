/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256 of files. */
#pragma once

#include "vmm/cleanup.h"

#define SHA256_SIZE      32
#define SHA256_TEXT_SIZE (2 * SHA256_SIZE + 1)

/* The digest of all that FD's file has, from its beginning; FD's own position stays. 0 or -errno.
 */
int sha256_file(int fd, uint8_t ret[static SHA256_SIZE]);
void sha256_memory(const void *data, size_t size, uint8_t ret[static SHA256_SIZE]);

/* As 64 digits, in lower case; and back: 0 or -EINVAL. */
void sha256_format(const uint8_t digest[static SHA256_SIZE], char ret[static SHA256_TEXT_SIZE]);
int sha256_parse(const char *text, uint8_t ret[static SHA256_SIZE]);
