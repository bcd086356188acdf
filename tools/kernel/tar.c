/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The members of a tar archive, as dpkg makes them. */
#include "tools/kernel/tar.h"

#include <string.h>

#include "tools/kernel/why.h"

enum {
    TAR_BLOCK = 512,
    TAR_EXTENSIONS_MAX = 8, /* headers in a row that only tell of the next member */
};

struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100],
        magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], padding[12];
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "a tar header is one block");

/* An octal number that blanks or a NUL end. */
static bool parse_octal(const char *text, size_t size, uint64_t *ret)
{
    uint64_t value = 0;
    size_t i = 0;

    while (i < size && text[i] == ' ')
        i++;
    for (; i < size && text[i] >= '0' && text[i] <= '7'; i++)
        value = value << 3 | (uint64_t)(text[i] - '0');
    if (i < size && text[i] != ' ' && text[i] != '\0')
        return false;
    *ret = value;
    return true;
}

static bool checksum_right(const struct header *header)
{
    const uint8_t *bytes = (const uint8_t *)header;
    uint64_t expected, sum = 0;

    for (size_t i = 0; i < TAR_BLOCK; i++) {
        bool own = i >= offsetof(struct header, checksum) && i < offsetof(struct header, type);
        sum += own ? ' ' : bytes[i];
    }
    return parse_octal(header->checksum, sizeof(header->checksum), &expected) && sum == expected;
}

static void write_name(const struct header *header, struct tar_entry *ret)
{
    int name = (int)strnlen(header->name, sizeof(header->name));
    int prefix = (int)strnlen(header->prefix, sizeof(header->prefix));

    if (memcmp(header->magic, "ustar", 6) != 0) /* GNU's has other things there */
        prefix = 0;
    (void)snprintf(ret->name, sizeof(ret->name), "%.*s%s%.*s", prefix, header->prefix,
                   prefix ? "/" : "", name, header->name);
    for (char *p = ret->name; *p; p++) { /* it comes into messages */
        if (*p < ' ' || *p == 0x7f)
            *p = '?';
    }
}

static int damaged(const struct reader *reader, char **ret_why)
{
    return why(ret_why, -EBADMSG,
               "%s: damaged: the tar archive in it has a wrong header, %llu KiB in", reader->name,
               (unsigned long long)reader->taken >> 10);
}

int tar_next(struct reader *reader, struct tar_entry *ret, char **ret_why)
{
    static const uint8_t zeros[TAR_BLOCK];
    bool extended = false;

    for (unsigned i = 0; i < TAR_EXTENSIONS_MAX; i++) {
        struct tar_entry entry = {0};
        struct header header;

        int r = reader_take(reader, &header, sizeof(header), ret_why);
        if (r <= 0)
            return r;
        if (memcmp(&header, zeros, sizeof(header)) == 0)
            return 0;
        if (!checksum_right(&header) || !parse_octal(header.size, sizeof(header.size), &entry.size))
            return damaged(reader, ret_why);
        entry.type = header.type ? header.type : '0';
        if (!strchr("LKxg", entry.type)) {
            if (!extended)
                write_name(&header, &entry);
            *ret = entry;
            return 1;
        }
        extended = true;
        r = tar_pass(reader, &entry, -EBADF, ret_why);
        if (r < 0)
            return r;
    }
    return damaged(reader, ret_why);
}

int tar_pass(struct reader *reader, const struct tar_entry *entry, int fd, char **ret_why)
{
    uint64_t padding = (TAR_BLOCK - entry->size % TAR_BLOCK) % TAR_BLOCK;

    int r = reader_pass(reader, entry->size, fd, ret_why);
    return r < 0 ? r : reader_pass(reader, padding, -EBADF, ret_why);
}
