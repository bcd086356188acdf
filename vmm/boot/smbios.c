/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* BIOS and system information, OEM strings. Sections are those of DSP0134 3.6. */
#include "vmm/boot/smbios.h"

#include <string.h>

#include "vmm/boot/layout.h"
#include "vmm/kvm/memory.h"
#include "vmm/log.h"

enum {
    SMBIOS_MAJOR = 3,
    SMBIOS_MINOR = 3, /* tools warn of versions that they do not know, and this says all */

    TYPE_BIOS = 0,
    TYPE_SYSTEM = 1,
    TYPE_OEM_STRINGS = 11,
    TYPE_END = 127,

    BIOS_NOT_SUPPORTED = 1 << 3, /* none of the characteristics of old is told of */
    BIOS_ACPI = 1 << 0,
    BIOS_VIRTUAL_MACHINE = 1 << 4,
    BIOS_NO_RELEASE = 0xff,
    WAKE_UP_POWER_SWITCH = 6,
};

struct header { /* 6.1.2; strings follow the formatted part */
    uint8_t type, length;
    uint16_t handle;
} __attribute__((packed));

struct bios { /* 7.1; no release date: Linux looks for the faults of a year's firmware by it */
    struct header header;
    uint8_t vendor, version;
    uint16_t start_segment;
    uint8_t release_date, rom_size;
    uint64_t characteristics;
    uint8_t extension_1, extension_2;
    uint8_t release[4]; /* of BIOS and embedded controller */
    uint16_t extended_rom_size;
} __attribute__((packed));

struct system { /* 7.2 */
    struct header header;
    uint8_t manufacturer, product, version, serial;
    uint8_t uuid[SMBIOS_UUID_SIZE];
    uint8_t wake_up, sku, family;
} __attribute__((packed));

struct oem_strings { /* 7.12 */
    struct header header;
    uint8_t count;
} __attribute__((packed));

struct entry_point { /* 5.2.2 */
    char anchor[5];
    uint8_t checksum, length, major, minor, docrev, revision, reserved;
    uint32_t size;
    uint64_t address;
} __attribute__((packed));

_Static_assert(sizeof(struct bios) == 0x1a, "BIOS Information of SMBIOS 3.1");
_Static_assert(sizeof(struct system) == 0x1b, "System Information of SMBIOS 2.4");
_Static_assert(sizeof(struct entry_point) == SMBIOS_ENTRY_POINT_SIZE, "entry point of SMBIOS 3.0");

/* Counts on where there is no more room, so that the error can say how much is missing. */
struct writer {
    uint8_t *data;
    size_t size, length;
    uint16_t handle; /* the next structure's */
};

static void put(struct writer *writer, const void *data, size_t length)
{
    if (length > 0 && writer->length <= writer->size && length <= writer->size - writer->length)
        memcpy(writer->data + writer->length, data, length);
    writer->length += length;
}

static void put_string(struct writer *writer, const char *text)
{
    put(writer, text, strlen(text) + 1);
}

/* Puts the formatted part; strings and an empty one come after. */
static void put_structure(struct writer *writer, struct header *header, uint8_t type, size_t length)
{
    header->type = type;
    header->length = (uint8_t)length;
    header->handle = writer->handle++;
    put(writer, header, length);
}

static void put_base64(struct writer *writer, const uint8_t *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < size; i += 3) {
        size_t n = size - i < 3 ? size - i : 3;
        uint32_t bits = (uint32_t)data[i] << 16 | (n > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                        (n > 2 ? data[i + 2] : 0);
        char group[4] = {digits[bits >> 18], digits[bits >> 12 & 63],
                         n > 1 ? digits[bits >> 6 & 63] : '=', n > 2 ? digits[bits & 63] : '='};

        put(writer, group, sizeof(group));
    }
}

/* Whether a string can be what it is: tools that show it to people have no trouble with it then. */
static bool is_plain_text(const struct smbios_credential *credential)
{
    for (size_t i = 0; i < credential->size; i++)
        if (credential->data[i] < ' ' || credential->data[i] > '~')
            return false;
    return true;
}

static void put_credential(struct writer *writer, const struct smbios_credential *credential)
{
    bool plain = is_plain_text(credential);
    const char *prefix = plain ? "io.systemd.credential:" : "io.systemd.credential.binary:";

    put(writer, prefix, strlen(prefix));
    put(writer, credential->name, strlen(credential->name));
    put(writer, "=", 1);
    if (plain)
        put(writer, credential->data, credential->size);
    else
        put_base64(writer, credential->data, credential->size);
    put(writer, "", 1);
}

/* RFC 4122 has all fields in network byte order, SMBIOS the first three of them the other way round
 * (7.2.1). */
static void swap_uuid(const uint8_t *uuid, uint8_t ret[static SMBIOS_UUID_SIZE])
{
    static const uint8_t order[SMBIOS_UUID_SIZE] = {3, 2, 1,  0,  5,  4,  7,  6,
                                                    8, 9, 10, 11, 12, 13, 14, 15};

    for (size_t i = 0; i < SMBIOS_UUID_SIZE; i++)
        ret[i] = uuid[order[i]];
}

size_t smbios_build(const struct smbios_platform *platform, uint8_t *ret, size_t size)
{
    struct writer writer = {.data = ret, .size = size};
    struct bios bios = {
        .vendor = 1,
        .version = 2,
        .characteristics = BIOS_NOT_SUPPORTED,
        .extension_1 = BIOS_ACPI,
        .extension_2 = BIOS_VIRTUAL_MACHINE,
        .release = {BIOS_NO_RELEASE, BIOS_NO_RELEASE, BIOS_NO_RELEASE, BIOS_NO_RELEASE},
    };
    struct system system = {
        .manufacturer = 1, .product = 2, .version = 3, .wake_up = WAKE_UP_POWER_SWITCH};
    struct oem_strings oem_strings = {.count = (uint8_t)platform->n_credentials};
    struct header end;

    put_structure(&writer, &bios.header, TYPE_BIOS, sizeof(bios));
    put_string(&writer, "Volt");
    put_string(&writer, VOLT_VERSION);
    put_string(&writer, "");

    if (platform->uuid)
        swap_uuid(platform->uuid, system.uuid);
    put_structure(&writer, &system.header, TYPE_SYSTEM, sizeof(system));
    put_string(&writer, "Volt");
    put_string(&writer, "microVM");
    put_string(&writer, VOLT_VERSION);
    put_string(&writer, "");

    if (platform->n_credentials > 0) {
        put_structure(&writer, &oem_strings.header, TYPE_OEM_STRINGS, sizeof(oem_strings));
        for (unsigned i = 0; i < platform->n_credentials; i++)
            put_credential(&writer, &platform->credentials[i]);
        put_string(&writer, "");
    }
    put_structure(&writer, &end, TYPE_END, sizeof(end));
    put(&writer, "\0", 2);
    return writer.length;
}

void smbios_build_entry_point(uint64_t address, uint32_t length,
                              uint8_t ret[static SMBIOS_ENTRY_POINT_SIZE])
{
    struct entry_point entry = {
        .length = sizeof(entry),
        .major = SMBIOS_MAJOR,
        .minor = SMBIOS_MINOR,
        .revision = 1,
        .size = length,
        .address = address,
    };
    uint8_t sum = 0;

    memcpy(entry.anchor, "_SM3_", sizeof(entry.anchor));
    memcpy(ret, &entry, sizeof(entry));
    for (size_t i = 0; i < sizeof(entry); i++)
        sum = (uint8_t)(sum + ret[i]);
    ret[offsetof(struct entry_point, checksum)] = (uint8_t)-sum;
}

int smbios_write(const struct guest_memory *memory, const struct smbios_platform *platform)
{
    uint8_t *tables = guest_memory_at(memory, LAYOUT_SMBIOS_TABLES, SMBIOS_TABLES_MAX);
    uint8_t entry[SMBIOS_ENTRY_POINT_SIZE];

    if (!tables)
        return log_errno(-EFAULT, "There is no memory for the SMBIOS tables");
    size_t length = smbios_build(platform, tables, SMBIOS_TABLES_MAX);
    if (length > SMBIOS_TABLES_MAX)
        return log_errno(-E2BIG,
                         "The credentials take %zu KiB as SMBIOS tables, and no more than %d KiB "
                         "are read by a guest's kernel",
                         (length + 1023) / 1024, SMBIOS_TABLES_MAX / 1024);
    smbios_build_entry_point(LAYOUT_SMBIOS_TABLES, (uint32_t)length, entry);
    return guest_memory_write(memory, LAYOUT_SMBIOS_ENTRY_POINT, entry, sizeof(entry));
}

int smbios_parse_uuid(const char *text, uint8_t ret[static SMBIOS_UUID_SIZE])
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    uint8_t uuid[SMBIOS_UUID_SIZE];
    unsigned digits = 0;

    if (strlen(text) != sizeof(form) - 1)
        return -EINVAL;
    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        static const char hex[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = strchr(hex, text[i]);

        if (form[i] == '-' ? text[i] != '-' : !digit)
            return -EINVAL;
        if (form[i] == '-')
            continue;
        uint8_t value = (uint8_t)((digit - hex) & 15);
        if (digits % 2 == 0)
            uuid[digits / 2] = (uint8_t)(value << 4);
        else
            uuid[digits / 2] |= value;
        digits++;
    }
    memcpy(ret, uuid, sizeof(uuid));
    return 0;
}
