/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A unified kernel image for tests: a PE header and a section table, then what the sections hold.
 */
#pragma once

#include "tests/unit/tools/kernel-image.h"

enum {
    UKI_PE = 0x80,      /* where the PE header is */
    UKI_OPTIONAL = 240, /* bytes of the optional header */
    UKI_TABLE = UKI_PE + 24 + UKI_OPTIONAL,
    UKI_SECTIONS_MAX = 8,
    UKI_ALIGNMENT = 512,
    UKI_SECTION = 40,
};

static inline struct bytes uki_new(void)
{
    struct bytes image = {0};
    uint8_t *p = bytes_grow(&image, 2 * UKI_ALIGNMENT);

    memcpy(p, "MZ", 2);
    p[0x3c] = UKI_PE;
    memcpy(p + UKI_PE, "PE\0\0\x64\x86", 6);
    p[UKI_PE + 20] = UKI_OPTIONAL;
    memcpy(p + UKI_PE + 24, "\x0b\x02", 2);
    return image;
}

/* The section table's entry I, whose fields of 32 bits begin at 8: virtual size and address, size
 * and offset. */
static inline uint32_t *uki_section(const struct bytes *image, unsigned i)
{
    return (uint32_t *)(void *)(image->data + UKI_TABLE + i * UKI_SECTION + 8);
}

static inline void uki_add(struct bytes *image, const char *name, const void *data, size_t size)
{
    unsigned i = image->data[UKI_PE + 6]++;
    size_t offset = image->size;

    assert_true(i < UKI_SECTIONS_MAX);
    bytes_add(image, data, size);
    bytes_align(image, UKI_ALIGNMENT);
    memcpy(image->data + UKI_TABLE + i * UKI_SECTION, name, strlen(name));
    uint32_t fields[] = {(uint32_t)size, (i + 1) << 24, (uint32_t)(image->size - offset),
                         (uint32_t)offset};
    memcpy(uki_section(image, i), fields, sizeof(fields));
}

static inline void uki_add_text(struct bytes *image, const char *name, const char *text)
{
    uki_add(image, name, text, strlen(text));
}
