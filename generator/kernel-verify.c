// SPDX-License-Identifier: LGPL-2.1-or-later
/* Whether a kernel's file is what its manifest says. */
#include "generator/kernel-verify.h"

#include "generator/verity.h"

#include <string.h>
#include <sys/stat.h>

/* What people compare: the digests of two files differ in the first digits. */
enum { SHOWN_DIGITS = 16 };

/* 1: sealed, and as it was; 0: not sealed; -EBADMSG. */
static int check_verity(int fd, const struct kernel_file_entry *entry, char **ret_why)
{
    char digest[KERNEL_VERITY_SIZE];

    /* A copy of the file, or another file system, has none. */
    if (!entry->verity[0] || verity_measure(fd, digest, sizeof(digest)) < 0)
        return 0;
    if (!strcmp(digest, entry->verity))
        return 1;
    if (asprintf(ret_why, "fs-verity %.*s…, expected %.*s…", SHOWN_DIGITS + 7, digest,
                 SHOWN_DIGITS + 7, entry->verity) < 0)
        *ret_why = NULL;
    return -EBADMSG;
}

static int check_sha256(int fd, const struct kernel_file_entry *entry, char **ret_why)
{
    char wanted[SHA256_TEXT_SIZE], got[SHA256_TEXT_SIZE];
    uint8_t digest[SHA256_SIZE];
    int r = sha256_file(fd, digest);

    if (r < 0)
        return r;
    if (!memcmp(digest, entry->sha256, sizeof(digest)))
        return 0;
    sha256_format(entry->sha256, wanted);
    sha256_format(digest, got);
    if (asprintf(ret_why, "sha256 %.*s…, expected %.*s…", SHOWN_DIGITS, got, SHOWN_DIGITS, wanted) <
        0)
        *ret_why = NULL;
    return -EBADMSG;
}

int kernel_verify(int fd, const struct kernel_file_entry *entry, bool always, const char **ret_how,
                  char **ret_why)
{
    struct stat st;
    int r;

    if (fstat(fd, &st) < 0)
        return -errno;
    if ((uintmax_t)st.st_size != entry->size) {
        if (asprintf(ret_why, "%llu bytes, expected %llu", (unsigned long long)st.st_size,
                     (unsigned long long)entry->size) < 0)
            *ret_why = NULL;
        return -EBADMSG;
    }
    r = check_verity(fd, entry, ret_why);
    if (r < 0)
        return r;
    bool sealed = r > 0;
    *ret_how = sealed ? "fs-verity" : "size and time";
    /* Where a seal is gone, somebody put another file there, and time is no proof of anything. */
    if (!always && (sealed || (!entry->verity[0] && st.st_mtim.tv_sec == entry->mtime.tv_sec &&
                               st.st_mtim.tv_nsec == entry->mtime.tv_nsec)))
        return 0;
    r = check_sha256(fd, entry, ret_why);
    if (r >= 0)
        *ret_how = "sha256";
    return r;
}
