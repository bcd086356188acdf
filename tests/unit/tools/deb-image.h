/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Debian packages for tests: tar in ar. */
#pragma once

#include "tests/unit/tools/kernel-image.h"

/* A member with its content; TYPE 'L' and the like are as GNU's tar has them. */
static inline void tar_add(struct bytes *tar, const char *name, char type, const void *data,
                           size_t size)
{
    char *header = (char *)bytes_grow(tar, 512);
    unsigned sum = 0;

    (void)snprintf(header, 100, "%s", name);
    (void)snprintf(header + 100, 25, "0000644%c0000000%c0000000", '\0', '\0');
    (void)snprintf(header + 124, 12, "%011zo", size);
    (void)snprintf(header + 136, 12, "%011o", 0);
    memcpy(header + 257, "ustar  ", 8);
    header[156] = type;
    memset(header + 148, ' ', 8);
    for (unsigned i = 0; i < 512; i++)
        sum += (uint8_t)header[i];
    (void)snprintf(header + 148, 8, "%06o", sum);
    bytes_add(tar, data, size);
    bytes_align(tar, 512);
}

static inline void tar_add_text(struct bytes *tar, const char *name, const char *text)
{
    tar_add(tar, name, '0', text, strlen(text));
}

static inline void tar_end(struct bytes *tar)
{
    (void)bytes_grow(tar, 1024);
}

static inline void ar_add(struct bytes *ar, const char *name, const void *data, size_t size)
{
    char header[61];

    (void)snprintf(header, sizeof(header), "%-16s%-12d%-6d%-6d%-8d%-10zu`\n", name, 0, 0, 0, 100644,
                   size);
    bytes_add(ar, header, 60);
    bytes_add(ar, data, size);
    bytes_align(ar, 2);
}

#define DEB_CONTROL                                                                                \
    "Package: linux-image-" KERNEL_VERSION                                                         \
    "\nArchitecture: amd64\nDepends: kmod, linux-base (>= 4.3)\n"

/* A package of CONTROL and the tar archive DATA, both packed by PACKER (NULL: not at all). */
static inline struct bytes deb_of(const char *control, const struct bytes *data,
                                  const struct packer *packer)
{
    _cleanup_bytes_ struct bytes tar = {0};
    struct bytes deb = {0};

    tar_add(&tar, "./", '5', "", 0);
    tar_add_text(&tar, "./md5sums", "0 boot/vmlinuz\n");
    if (control)
        tar_add_text(&tar, "./control", control);
    tar_end(&tar);
    bytes_add_text(&deb, "!<arch>\n");
    ar_add(&deb, "debian-binary", "2.0\n", 4);
    if (packer) {
        _cleanup_bytes_ struct bytes packed_control = packer->pack(tar.data, tar.size),
                                     packed_data = packer->pack(data->data, data->size);
        ar_add(&deb, "control.tar.x", packed_control.data, packed_control.size);
        ar_add(&deb, "data.tar.x", packed_data.data, packed_data.size);
    } else {
        ar_add(&deb, "control.tar", tar.data, tar.size);
        ar_add(&deb, "data.tar", data->data, data->size);
    }
    return deb;
}
