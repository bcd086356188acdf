/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The AML writer. */
#include "vmm/boot/aml.h"

#include <assert.h>
#include <string.h>

enum {
    AML_NAME_OP = 0x08,
    AML_BYTE_PREFIX = 0x0a,
    AML_DWORD_PREFIX = 0x0c,
    AML_STRING_PREFIX = 0x0d,
    AML_SCOPE_OP = 0x10,
    AML_BUFFER_OP = 0x11,
    AML_PACKAGE_OP = 0x12,
    AML_METHOD_OP = 0x14,
    AML_EXTENDED_PREFIX = 0x5b,
    AML_DEVICE_OP = 0x82,
    AML_NOTIFY_OP = 0x86,
    AML_PACKAGE_LENGTH_SIZE = 3, /* always the three-byte form: it can be filled in afterwards */
    AML_PACKAGE_LENGTH_MAX = (1 << 20) - 1,
    AML_BUFFER_HEADER_SIZE = 5, /* DWordPrefix and the size */
    RESOURCE_END_TAG = 0x79,
};

static void put(struct aml *aml, const void *data, size_t length)
{
    if (aml->overflow || length > aml->size - aml->length) {
        aml->overflow = true;
        return;
    }
    memcpy(aml->data + aml->length, data, length);
    aml->length += length;
}

static void put8(struct aml *aml, uint8_t value)
{
    put(aml, &value, 1);
}

static void put16(struct aml *aml, uint16_t value)
{
    put(aml, &value, 2);
}

static void put32(struct aml *aml, uint32_t value)
{
    put(aml, &value, 4);
}

static void put_name(struct aml *aml, const char *name)
{
    assert(strlen(name) == (name[0] == '\\' ? 5 : 4));
    put(aml, name, strlen(name));
}

static size_t begin(struct aml *aml)
{
    size_t mark = aml->length;

    put(aml, (uint8_t[AML_PACKAGE_LENGTH_SIZE]){0}, AML_PACKAGE_LENGTH_SIZE);
    return mark;
}

void aml_end(struct aml *aml, size_t mark)
{
    if (aml->overflow)
        return;
    /* PkgLength counts itself; 20.2.4 */
    size_t length = aml->length - mark;
    assert(length <= AML_PACKAGE_LENGTH_MAX);
    aml->data[mark] = (uint8_t)(2 << 6 | (length & 0xf));
    aml->data[mark + 1] = (uint8_t)(length >> 4);
    aml->data[mark + 2] = (uint8_t)(length >> 12);
}

size_t aml_begin_scope(struct aml *aml, const char *name)
{
    put8(aml, AML_SCOPE_OP);
    size_t mark = begin(aml);
    put_name(aml, name);
    return mark;
}

size_t aml_begin_device(struct aml *aml, const char *name)
{
    put8(aml, AML_EXTENDED_PREFIX);
    put8(aml, AML_DEVICE_OP);
    size_t mark = begin(aml);
    put_name(aml, name);
    return mark;
}

size_t aml_begin_method(struct aml *aml, const char *name, unsigned n_arguments)
{
    assert(n_arguments <= 7);
    put8(aml, AML_METHOD_OP);
    size_t mark = begin(aml);
    put_name(aml, name);
    put8(aml, (uint8_t)n_arguments);
    return mark;
}

void aml_name_integer(struct aml *aml, const char *name, uint32_t value)
{
    put8(aml, AML_NAME_OP);
    put_name(aml, name);
    put8(aml, AML_DWORD_PREFIX);
    put32(aml, value);
}

void aml_name_string(struct aml *aml, const char *name, const char *value)
{
    put8(aml, AML_NAME_OP);
    put_name(aml, name);
    put8(aml, AML_STRING_PREFIX);
    put(aml, value, strlen(value) + 1);
}

static uint32_t hex_digit(char c)
{
    return (uint32_t)(c <= '9' ? c - '0' : c - 'A' + 10);
}

void aml_name_eisa_id(struct aml *aml, const char *name, const char *id)
{
    assert(strlen(id) == 7);
    /* Three letters of five bits and four digits, big-endian; 19.3.4 */
    uint32_t value = (uint32_t)(id[0] - '@') << 26 | (uint32_t)(id[1] - '@') << 21 |
                     (uint32_t)(id[2] - '@') << 16 | hex_digit(id[3]) << 12 |
                     hex_digit(id[4]) << 8 | hex_digit(id[5]) << 4 | hex_digit(id[6]);
    aml_name_integer(aml, name, __builtin_bswap32(value));
}

void aml_name_package(struct aml *aml, const char *name, const uint8_t *values, unsigned n)
{
    put8(aml, AML_NAME_OP);
    put_name(aml, name);
    put8(aml, AML_PACKAGE_OP);
    size_t mark = begin(aml);
    put8(aml, (uint8_t)n);
    for (unsigned i = 0; i < n; i++) {
        put8(aml, AML_BYTE_PREFIX);
        put8(aml, values[i]);
    }
    aml_end(aml, mark);
}

void aml_notify(struct aml *aml, const char *object, uint8_t value)
{
    put8(aml, AML_NOTIFY_OP);
    put_name(aml, object);
    put8(aml, AML_BYTE_PREFIX);
    put8(aml, value);
}

size_t aml_begin_resources(struct aml *aml)
{
    put8(aml, AML_NAME_OP);
    put_name(aml, "_CRS");
    put8(aml, AML_BUFFER_OP);
    size_t mark = begin(aml);
    put8(aml, AML_DWORD_PREFIX);
    put32(aml, 0);
    return mark;
}

void aml_end_resources(struct aml *aml, size_t mark)
{
    put8(aml, RESOURCE_END_TAG);
    put8(aml, 0); /* no checksum */
    if (aml->overflow)
        return;
    uint32_t size =
        (uint32_t)(aml->length - mark - AML_PACKAGE_LENGTH_SIZE - AML_BUFFER_HEADER_SIZE);
    memcpy(aml->data + mark + AML_PACKAGE_LENGTH_SIZE + 1, &size, sizeof(size));
    aml_end(aml, mark);
}

/* 6.4.2.5 */
void aml_resource_io(struct aml *aml, uint16_t base, uint8_t length)
{
    put8(aml, 0x47);
    put8(aml, 1); /* decodes 16 bits */
    put16(aml, base);
    put16(aml, base);
    put8(aml, 1);
    put8(aml, length);
}

/* 6.4.3.4 */
void aml_resource_memory_fixed(struct aml *aml, uint32_t base, uint32_t length)
{
    put8(aml, 0x86);
    put16(aml, 9);
    put8(aml, 1); /* writable */
    put32(aml, base);
    put32(aml, length);
}

/* 6.4.3.6 */
void aml_resource_interrupt(struct aml *aml, uint32_t gsi)
{
    put8(aml, 0x89);
    put16(aml, 6);
    put8(aml, 0x3); /* consumer, edge, high, exclusive */
    put8(aml, 1);
    put32(aml, gsi);
}

/* 6.4.3.5.3, with fixed ends */
void aml_resource_bus_numbers(struct aml *aml, uint16_t first, uint16_t last)
{
    put8(aml, 0x88);
    put16(aml, 13);
    put8(aml, 2); /* bus numbers */
    put8(aml, 0xc);
    put8(aml, 0);
    put16(aml, 0);
    put16(aml, first);
    put16(aml, last);
    put16(aml, 0);
    put16(aml, (uint16_t)(last - first + 1));
}

/* 6.4.3.5.2, with fixed ends */
void aml_resource_memory_window(struct aml *aml, uint32_t base, uint32_t length)
{
    put8(aml, 0x87);
    put16(aml, 23);
    put8(aml, 0); /* memory */
    put8(aml, 0xc);
    put8(aml, 1); /* writable, not cacheable */
    put32(aml, 0);
    put32(aml, base);
    put32(aml, base + length - 1);
    put32(aml, 0);
    put32(aml, length);
}
