/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SMBIOS, byte by byte: what a guest's kernel reads of its machine, and of credentials. */
#include "vmm/boot/smbios.h"

#include "test.h"
#include "vmm/boot/layout.h"
#include "vmm/kvm/memory.h"

static const uint8_t uuid[SMBIOS_UUID_SIZE] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                               0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

/* The structures without credentials: BIOS, system (with UUID), end. */
static const char bios[] = "\x00\x1a\x00\x00\x01\x02\x00\x00\x00\x00"
                           "\x08\x00\x00\x00\x00\x00\x00\x00\x01\x10\xff\xff\xff\xff\x00\x00"
                           "Volt\0" VOLT_VERSION "\0";
static const char machine[] = "\x01\x1b\x01\x00\x01\x02\x03\x00"
                              "\x10\xb8\xa7\x6b\xad\x9d\xd1\x11\x80\xb4\x00\xc0\x4f\xd4\x30\xc8"
                              "\x06\x00\x00"
                              "Volt\0microVM\0" VOLT_VERSION "\0";

static uint8_t tables[SMBIOS_TABLES_MAX + 1];

/* TABLES begins with DATA from *AT on, which then is behind it. */
static void expect(size_t *at, const void *data, size_t n)
{
    assert_memory_equal(tables + *at, data, n);
    *at += n;
}

/* The first structures stand at the start of TABLES; yields where the next ones do. */
static size_t expect_machine(void)
{
    size_t at = 0;

    expect(&at, bios, sizeof(bios)); /* the array's last NUL is the empty string at the end */
    expect(&at, machine, sizeof(machine));
    return at;
}

static void test_machine(void **state _unused_)
{
    static const char end[] = "\x7f\x04\x02\x00\x00";
    const struct smbios_platform platform = {.uuid = uuid};
    size_t n = smbios_build(&platform, tables, sizeof(tables)), at = expect_machine();

    expect(&at, end, sizeof(end));
    assert_int_equal(n, at);
}

/* All zeros: there is none (7.2.1). */
static void test_no_uuid(void **state _unused_)
{
    static const uint8_t none[SMBIOS_UUID_SIZE];
    const struct smbios_platform platform = {0};

    (void)smbios_build(&platform, tables, sizeof(tables));
    assert_memory_equal(tables + sizeof(bios) + 8, none, sizeof(none));
}

#define CREDENTIAL(n, text)                                                                        \
    {                                                                                              \
        .name = (char *)(n), .data = (uint8_t *)(text), .size = sizeof(text) - 1                   \
    }

static void test_credentials(void **state _unused_)
{
    static const struct smbios_credential credentials[] = {
        CREDENTIAL("system.hostname", "web"),
        CREDENTIAL("empty", ""),
        CREDENTIAL("one", "\xff"),
        CREDENTIAL("two", "\xff\xfe"),
        CREDENTIAL("three", "\x00\x10\x83"),
        CREDENTIAL("key", "ssh-rsa AA= me\n"),
        CREDENTIAL("printable", "a=b:c ~'\"%$\\"),
    };
    static const char expected[] = "\x0b\x05\x02\x00\x07"
                                   "io.systemd.credential:system.hostname=web\0"
                                   "io.systemd.credential:empty=\0"
                                   "io.systemd.credential.binary:one=/w==\0"
                                   "io.systemd.credential.binary:two=//4=\0"
                                   "io.systemd.credential.binary:three=ABCD\0"
                                   "io.systemd.credential.binary:key=c3NoLXJzYSBBQT0gbWUK\0"
                                   "io.systemd.credential:printable=a=b:c ~'\"%$\\\0"
                                   "\0\x7f\x04\x03\x00\x00";
    const struct smbios_platform platform = {
        .uuid = uuid, .credentials = credentials, .n_credentials = ELEMENTSOF(credentials)};
    size_t n = smbios_build(&platform, tables, sizeof(tables)), at = expect_machine();

    expect(&at, expected, sizeof(expected));
    assert_int_equal(n, at);
}

/* The length that is needed is told, and no byte is written behind the room that is there. */
static void test_no_room(void **state _unused_)
{
    static const struct smbios_credential credentials[] = {CREDENTIAL("a", "text"),
                                                           CREDENTIAL("b", "\x01\x02")};
    const struct smbios_platform platform = {.credentials = credentials, .n_credentials = 2};
    size_t whole = smbios_build(&platform, tables, sizeof(tables));

    for (size_t room = 0; room <= whole; room++) {
        memset(tables, 0xaa, whole + 1);
        assert_int_equal(smbios_build(&platform, tables, room), whole);
        for (size_t i = room; i <= whole; i++)
            assert_int_equal(tables[i], 0xaa);
    }
}

static void test_entry_point(void **state _unused_)
{
    static const uint8_t expected[] = {'_',  'S',  'M',  '3',  '_',  0x66, 24, 3, 3, 0, 1, 0,
                                       0x34, 0x12, 0x00, 0x00, 0x00, 0x00, 10, 0, 0, 0, 0, 0};
    uint8_t entry[SMBIOS_ENTRY_POINT_SIZE], sum = 0;

    smbios_build_entry_point(0xa0000, 0x1234, entry);
    for (size_t i = 0; i < sizeof(entry); i++)
        sum = (uint8_t)(sum + entry[i]);
    assert_int_equal(sum, 0);
    entry[5] = expected[5]; /* the checksum, just checked */
    assert_memory_equal(entry, expected, sizeof(entry));
}

static void test_written(void **state _unused_)
{
    const struct smbios_platform platform = {.uuid = uuid};
    struct guest_memory memory;
    uint8_t entry[SMBIOS_ENTRY_POINT_SIZE];

    assert_int_equal(guest_memory_init(&memory, 16 * MIB), 0);
    assert_int_equal(smbios_write(&memory, &platform), 0);
    size_t n = smbios_build(&platform, tables, sizeof(tables));
    assert_memory_equal(guest_memory_at(&memory, LAYOUT_SMBIOS_TABLES, n), tables, n);
    smbios_build_entry_point(LAYOUT_SMBIOS_TABLES, (uint32_t)n, entry);
    assert_memory_equal(guest_memory_at(&memory, LAYOUT_SMBIOS_ENTRY_POINT, sizeof(entry)), entry,
                        sizeof(entry));
    guest_memory_done(&memory);
}

/* What fills the tables to the last byte is written, one byte more is refused, and nothing is
 * touched that stands behind. */
static void test_limit(void **state _unused_)
{
    static uint8_t text[SMBIOS_TABLES_MAX];
    struct smbios_credential credential = {.name = (char *)"c", .data = text};
    const struct smbios_platform platform = {.credentials = &credential, .n_credentials = 1};
    struct guest_memory memory;

    memset(text, 'x', sizeof(text));
    credential.size = SMBIOS_TABLES_MAX - smbios_build(&platform, tables, sizeof(tables));
    assert_int_equal(guest_memory_init(&memory, 16 * MIB), 0);
    assert_int_equal(guest_memory_write(&memory, LAYOUT_ACPI, "RSD PTR ", 8), 0);
    assert_int_equal(smbios_write(&memory, &platform), 0);
    credential.size++;
    struct capture capture = capture_start();
    assert_int_equal(smbios_write(&memory, &platform), -E2BIG);
    _cleanup_free_ char *log = capture_end(&capture);
    assert_non_null(strstr(log, "credentials take 257 KiB"));
    assert_memory_equal(guest_memory_at(&memory, LAYOUT_ACPI, 8), "RSD PTR ", 8);
    guest_memory_done(&memory);
}

static void test_parse_uuid(void **state _unused_)
{
    static const char *const bad[] = {"",
                                      "u",
                                      "6ba7b810-9dad-11d1-80b4-00c04fd430c",
                                      "6ba7b810-9dad-11d1-80b4-00c04fd430c88",
                                      "6ba7b810-9dad-11d1-80b4-00c04fd430cg",
                                      "6ba7b810x9dad-11d1-80b4-00c04fd430c8",
                                      "6ba7b8109dad-11d1-80b4-00c0-4fd430c8",
                                      "6ba7b810-9dad-11d1-80b4-00c04fd4-0c8"};
    uint8_t parsed[SMBIOS_UUID_SIZE];

    assert_int_equal(smbios_parse_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8", parsed), 0);
    assert_memory_equal(parsed, uuid, sizeof(uuid));
    memset(parsed, 0, sizeof(parsed));
    assert_int_equal(smbios_parse_uuid("6BA7B810-9DAD-11D1-80B4-00C04FD430C8", parsed), 0);
    assert_memory_equal(parsed, uuid, sizeof(uuid));
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        assert_int_equal(smbios_parse_uuid(bad[i], parsed), -EINVAL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_machine),     cmocka_unit_test(test_no_uuid),
        cmocka_unit_test(test_credentials), cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_entry_point), cmocka_unit_test(test_written),
        cmocka_unit_test(test_limit),       cmocka_unit_test(test_parse_uuid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
