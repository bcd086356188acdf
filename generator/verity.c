// SPDX-License-Identifier: LGPL-2.1-or-later
/* fs-verity. */
#include "generator/verity.h"

#include <linux/fsverity.h>
#include <string.h>
#include <sys/ioctl.h>

enum { DIGEST_MAX = 64, BLOCK_SIZE = 4096 };

int verity_measure(int fd, char *ret, size_t size)
{
    union {
        struct fsverity_digest header;
        uint8_t bytes[sizeof(struct fsverity_digest) + DIGEST_MAX];
    } digest = {.header = {.digest_size = DIGEST_MAX}};
    const uint8_t *bytes = digest.bytes + sizeof(digest.header);
    size_t length;

    if (ioctl(fd, FS_IOC_MEASURE_VERITY, &digest) < 0)
        return -errno;
    if (digest.header.digest_size > DIGEST_MAX || size < sizeof("sha256:") + 2 * DIGEST_MAX)
        return -ENOBUFS;
    length =
        (size_t)snprintf(ret, size, "%s:",
                         digest.header.digest_algorithm == FS_VERITY_HASH_ALG_SHA256   ? "sha256"
                         : digest.header.digest_algorithm == FS_VERITY_HASH_ALG_SHA512 ? "sha512"
                                                                                       : "other");
    for (unsigned i = 0; i < digest.header.digest_size; i++)
        (void)snprintf(ret + length + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

int verity_enable(int fd)
{
    struct fsverity_enable_arg argument = {
        .version = 1,
        .hash_algorithm = FS_VERITY_HASH_ALG_SHA256,
        .block_size = BLOCK_SIZE,
    };

    return ioctl(fd, FS_IOC_ENABLE_VERITY, &argument) < 0 ? -errno : 0;
}
