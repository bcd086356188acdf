// SPDX-License-Identifier: LGPL-2.1-or-later
/* SHA-256 by libnettle: it reads no configuration, cannot fail, and uses the CPU's instructions. */
#include "generator/sha256.h"

#include <nettle/sha2.h>
#include <nettle/version.h>
#include <string.h>

enum { CHUNK_SIZE = 1 << 20 };

static void finish(struct sha256_ctx *context, uint8_t ret[static SHA256_SIZE])
{
#if NETTLE_VERSION_MAJOR >= 4
    sha256_digest(context, ret);
#else
    sha256_digest(context, SHA256_SIZE, ret);
#endif
}

int sha256_file(int fd, uint8_t ret[static SHA256_SIZE])
{
    _cleanup_free_ uint8_t *chunk = malloc(CHUNK_SIZE);
    struct sha256_ctx context;
    off_t offset = 0;

    if (!chunk)
        return -ENOMEM;
    sha256_init(&context);
    for (;;) {
        ssize_t n = pread(fd, chunk, CHUNK_SIZE, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        sha256_update(&context, (size_t)n, chunk);
        offset += n;
    }
    finish(&context, ret);
    return 0;
}

void sha256_memory(const void *data, size_t size, uint8_t ret[static SHA256_SIZE])
{
    struct sha256_ctx context;

    sha256_init(&context);
    sha256_update(&context, size, data);
    finish(&context, ret);
}

void sha256_format(const uint8_t digest[static SHA256_SIZE], char ret[static SHA256_TEXT_SIZE])
{
    for (unsigned i = 0; i < SHA256_SIZE; i++)
        (void)snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int sha256_parse(const char *text, uint8_t ret[static SHA256_SIZE])
{
    uint8_t digest[SHA256_SIZE];

    for (unsigned i = 0; i < SHA256_SIZE; i++) {
        int high = digit(text[2 * i]), low = high < 0 ? -1 : digit(text[2 * i + 1]);

        if (low < 0)
            return -EINVAL;
        digest[i] = (uint8_t)(high << 4 | low);
    }
    if (text[SHA256_TEXT_SIZE - 1] != '\0')
        return -EINVAL;
    memcpy(ret, digest, sizeof(digest));
    return 0;
}
