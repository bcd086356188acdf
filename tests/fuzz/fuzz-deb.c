/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a Debian package: its members, or, after a zero, the tar archive in it, whose
 * checksums are made right, as no fuzzer finds them. */
#include "tests/fuzz/kernel-file.h"

enum { BLOCK = 512, CHECKSUM = 148, SIZE = 124 };

static uint8_t file[128 + 3 * BLOCK + 65536];
static size_t used;

static void add_member(const char *name, const uint8_t *data, size_t size)
{
    char header[61];

    (void)snprintf(header, sizeof(header), "%-16s%-12d%-6d%-6d%-8d%-10zu`\n", name, 0, 0, 0, 0,
                   size);
    memcpy(file + used, header, 60);
    memcpy(file + used + 60, data, size);
    used += 60 + size;
    if (used % 2)
        file[used++] = 0;
}

static void make_right(uint8_t *header)
{
    unsigned sum = 0;

    memset(header + CHECKSUM, ' ', 8);
    for (unsigned i = 0; i < BLOCK; i++)
        sum += header[i];
    (void)snprintf((char *)header + CHECKSUM, 8, "%06o", sum);
}

static void make_checksums_right(uint8_t *data, size_t size)
{
    for (size_t at = 0; at + BLOCK <= size;) {
        char number[13] = "";
        memcpy(number, data + at + SIZE, 12);
        make_right(data + at);
        unsigned long content = strtoul(number, NULL, 8);
        if (content > size)
            break;
        at += BLOCK + (content + BLOCK - 1) / BLOCK * BLOCK;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "Package: linux-image-x\nArchitecture: amd64\n";
    uint8_t control[2 * BLOCK] = "./control";
    uint8_t tar[65536];

    memcpy(file, "!<arch>\n", 8);
    used = 8;
    if (size == 0 || size > sizeof(tar))
        return 0;
    if (data[0] != 0) {
        memcpy(file + used, data, size);
        used += size;
    } else {
        (void)snprintf((char *)control + SIZE, 12, "%011zo", sizeof(text) - 1);
        memcpy(control + BLOCK, text, sizeof(text) - 1);
        make_right(control);
        memcpy(tar, data + 1, size - 1);
        make_checksums_right(tar, size - 1);
        add_member("debian-binary", (const uint8_t *)"2.0\n", 4);
        add_member("control.tar", control, sizeof(control));
        add_member("data.tar", tar, size - 1);
    }
    kernel_file_import(file, used);
    return 0;
}
