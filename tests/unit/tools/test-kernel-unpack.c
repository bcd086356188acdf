/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unpacking: whole, in pieces of any size, more than one stream, and bombs of each kind. */
#include "tests/unit/tools/kernel-image.h"
#include "tools/kernel/unpack.h"

/* Unpacks DATA by pieces of PIECE bytes; the bytes go to RET. */
static int unpack_bytes(const struct bytes *packed, size_t piece, uint64_t max, struct bytes *ret,
                        uint64_t *ret_consumed, char **ret_why)
{
    _cleanup_close_ int fd = file_of(packed->data, packed->size);
    _cleanup_(cleanup_unpack) struct unpack *unpack = NULL;
    _cleanup_free_ uint8_t *buffer = malloc(piece);
    struct source source;
    ssize_t n;

    assert_int_equal(source_open(fd, "test", IMPORT_INPUT_MAX, &source, ret_why), 0);
    int r = unpack_new(&source, max, &unpack, ret_why);
    if (r < 0)
        return r;
    while ((n = unpack_read(unpack, buffer, piece, ret_why)) > 0)
        bytes_add(ret, buffer, (size_t)n);
    *ret_consumed = unpack_consumed(unpack);
    return (int)n;
}

/* More than any buffer on the way, in part easy and in part hard to pack. */
static struct bytes large(void)
{
    struct bytes bytes = {0};

    for (uint32_t i = 0; i < 300000; i++)
        bytes_add_32(&bytes, i % 1000 < 500 ? i / 1000 : i * 2654435761u);
    return bytes;
}

static void test_pieces(void **state _unused_)
{
    static const size_t pieces[] = {1000, 65536, 3 << 20};
    _cleanup_bytes_ struct bytes data = large();
    char *why = NULL;

    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes packed = packers[i].pack(data.data, data.size);
        size_t size = packed.size;
        /* What follows is not of it; in lz4's format a size of zero ends it. */
        (void)bytes_grow(&packed, 8);
        assert_string_equal(unpack_format(packed.data, packed.size), packers[i].name);
        for (size_t k = 0; k < ELEMENTSOF(pieces); k++) {
            _cleanup_bytes_ struct bytes out = {0};
            uint64_t consumed;
            assert_int_equal(unpack_bytes(&packed, pieces[k], 64 * MIB, &out, &consumed, &why), 0);
            assert_int_equal(out.size, data.size);
            assert_memory_equal(out.data, data.data, data.size);
            assert_int_equal(consumed, strcmp(packers[i].name, "lz4") == 0 ? size + 4 : size);
        }
    }
}

static void test_limit(void **state _unused_)
{
    _cleanup_bytes_ struct bytes data = large();

    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes packed = packers[i].pack(data.data, data.size), out = {0};
        _cleanup_free_ char *why = NULL, *why_exact = NULL, *expected = NULL;
        uint64_t consumed;
        assert_int_equal(unpack_bytes(&packed, 4096, data.size, &out, &consumed, &why_exact), 0);
        assert_int_equal(unpack_bytes(&packed, 4096, data.size - 1, &out, &consumed, &why), -EFBIG);
        assert_true(asprintf(&expected,
                             "test: its %s data unpack to more than the limit of 1171 KiB",
                             packers[i].name) > 0);
        assert_string_equal(why, expected);
    }
}

/* Zeros without end: by the ratio, long before the limit. */
static void test_bombs(void **state _unused_)
{
    const size_t size = 48 << 20;
    _cleanup_free_ uint8_t *zeros = calloc(1, size);

    assert_non_null(zeros);
    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes packed = packers[i].pack(zeros, size), out = {0};
        _cleanup_free_ char *why = NULL;
        uint64_t consumed;
        assert_int_equal(unpack_bytes(&packed, 1 << 20, IMPORT_VMLINUX_MAX, &out, &consumed, &why),
                         -EFBIG);
        assert_non_null(strstr(why, "more than 100 times their size"));
        assert_non_null(strstr(why, "limit 512 MiB"));
        assert_true(out.size <= UNPACK_RATIO_FROM + (8 << 20));
    }
}

/* What asks for more memory than Linux's own images do. */
static void test_memory(void **state _unused_)
{
    static const uint8_t zstd[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, (31 - 10) << 3, 1, 0, 0};
    static const uint8_t lzma[] = {0x5d, 0,    0,    0,    0xc0, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0};
    static const struct bytes inputs[] = {{(uint8_t *)(uintptr_t)zstd, sizeof(zstd)},
                                          {(uint8_t *)(uintptr_t)lzma, sizeof(lzma)}};

    for (size_t i = 0; i < ELEMENTSOF(inputs); i++) {
        _cleanup_bytes_ struct bytes out = {0};
        _cleanup_free_ char *why = NULL;
        uint64_t consumed;
        /* The dictionary's size is taken as damage by liblzma where it is no usual one. */
        int r = unpack_bytes(&inputs[i], 4096, MIB, &out, &consumed, &why);
        assert_int_equal(r, -EFBIG);
        assert_non_null(strstr(why, "more memory"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests_name("kernel-unpack", tests, NULL, NULL);
}
