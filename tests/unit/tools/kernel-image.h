/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small kernel files for tests, right until a test changes them; packed by the real libraries. */
#pragma once

#include <asm/bootparam.h>
#include <elf.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/unit/vmm/test.h"
#include "tools/kernel/import.h"

#define KERNEL_VERSION "6.1.0-9-test"

/* Bytes that grow. */
struct bytes {
    uint8_t *data;
    size_t size;
};

static inline void bytes_done(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}

#define _cleanup_bytes_ _cleanup_(bytes_done)

static inline size_t bytes_room(size_t size)
{
    size_t room = 1;

    while (room <= size)
        room *= 2;
    return room;
}

/* Room for N more, zeros; what is there moves. It doubles: small pieces would take minutes. */
static inline uint8_t *bytes_grow(struct bytes *bytes, size_t n)
{
    size_t room = bytes_room(bytes->size + n);

    if (!bytes->data || room != bytes_room(bytes->size))
        bytes->data = realloc(bytes->data, room);
    assert_non_null(bytes->data);
    memset(bytes->data + bytes->size, 0, n + 1);
    bytes->size += n;
    return bytes->data + bytes->size - n;
}

static inline void bytes_add(struct bytes *bytes, const void *data, size_t n)
{
    memcpy(bytes_grow(bytes, n), data, n);
}

static inline void bytes_add_text(struct bytes *bytes, const char *text)
{
    bytes_add(bytes, text, strlen(text));
}

static inline void bytes_add_32(struct bytes *bytes, uint32_t value)
{
    bytes_add(bytes, &value, sizeof(value));
}

static inline void bytes_align(struct bytes *bytes, size_t alignment)
{
    if (bytes->size % alignment)
        (void)bytes_grow(bytes, alignment - bytes->size % alignment);
}

static inline struct bytes pack_gzip(const void *data, size_t size)
{
    struct bytes packed = {0};
    z_stream z = {0};

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, size);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)size;
    z.next_out = bytes_grow(&packed, room);
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    packed.size = z.total_out;
    (void)deflateEnd(&z);
    return packed;
}

static inline struct bytes run_lzma(lzma_stream *x, const void *data, size_t size)
{
    struct bytes packed = {0};

    x->next_in = data;
    x->avail_in = size;
    x->avail_out = size + size / 2 + 4096;
    x->next_out = bytes_grow(&packed, x->avail_out);
    assert_int_equal(lzma_code(x, LZMA_FINISH), LZMA_STREAM_END);
    packed.size = x->total_out;
    lzma_end(x);
    return packed;
}

/* As Linux packs its kernels: the x86 filter before LZMA2, and a CRC32. */
static inline struct bytes pack_xz(const void *data, size_t size)
{
    lzma_stream x = LZMA_STREAM_INIT;
    lzma_options_lzma options;

    assert_false(lzma_lzma_preset(&options, 1));
    lzma_filter filters[] = {{.id = LZMA_FILTER_X86},
                             {.id = LZMA_FILTER_LZMA2, .options = &options},
                             {.id = LZMA_VLI_UNKNOWN}};
    assert_int_equal(lzma_stream_encoder(&x, filters, LZMA_CHECK_CRC32), LZMA_OK);
    return run_lzma(&x, data, size);
}

static inline struct bytes pack_lzma(const void *data, size_t size)
{
    lzma_stream x = LZMA_STREAM_INIT;
    lzma_options_lzma options;

    assert_false(lzma_lzma_preset(&options, 1));
    assert_int_equal(lzma_alone_encoder(&x, &options), LZMA_OK);
    return run_lzma(&x, data, size);
}

static inline struct bytes pack_zstd(const void *data, size_t size)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    struct bytes packed = {0};
    size_t room = ZSTD_compressBound(size);

    assert_non_null(context);
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t n = ZSTD_compress2(context, bytes_grow(&packed, room), room, data, size);
    assert_false(ZSTD_isError(n));
    packed.size = n;
    (void)ZSTD_freeCCtx(context);
    return packed;
}

/* The legacy format: blocks of 8 MiB. */
static inline struct bytes pack_lz4(const void *data, size_t size)
{
    struct bytes packed = {0};
    const char *p = data;

    bytes_add_32(&packed, 0x184c2102);
    while (size > 0) {
        int n = size < 8 << 20 ? (int)size : 8 << 20;
        int room = LZ4_compressBound(n);
        size_t before = packed.size;
        uint8_t *to = bytes_grow(&packed, (size_t)room + 4);
        int m = LZ4_compress_default(p, (char *)to + 4, n, room);
        assert_true(m > 0);
        memcpy(to, &m, 4);
        packed.size = before + 4 + (size_t)m;
        p += n;
        size -= (size_t)n;
    }
    return packed;
}

static const struct packer {
    const char *name, *format;
    struct bytes (*pack)(const void *data, size_t size);
} packers[] = {
    {"gzip", "bzImage (gzip)", pack_gzip}, {"xz", "bzImage (xz)", pack_xz},
    {"lzma", "bzImage (lzma)", pack_lzma}, {"zstd", "bzImage (zstd)", pack_zstd},
    {"lz4", "bzImage (lz4)", pack_lz4},
};

enum { VMLINUX_DATA = 0x1000 }; /* where the one segment is in the file */

/* An ELF kernel with its banner and, where CONFIG is not NULL, its configuration; and so many WORDS
 * that do not pack. */
static inline struct bytes vmlinux_of(unsigned words, const char *config)
{
    struct bytes image = {0};

    (void)bytes_grow(&image, VMLINUX_DATA);
    for (unsigned i = 0; i < words; i++)
        bytes_add_32(&image, i * 2654435761u);
    bytes_add_text(&image, "%s: Linux version %s; Linux version \x01.");
    bytes_add_text(&image, "Linux version " KERNEL_VERSION " (a@b) (gcc) #1 SMP\n");
    if (config) {
        _cleanup_bytes_ struct bytes packed = pack_gzip(config, strlen(config));
        bytes_add_text(&image, "IKCFG_ST");
        bytes_add(&image, packed.data, packed.size);
        bytes_add_text(&image, "IKCFG_ED");
    }
    Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = 0x1000000,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 1,
    };
    Elf64_Phdr segment = {
        .p_type = PT_LOAD,
        .p_offset = VMLINUX_DATA,
        .p_paddr = 0x1000000,
        .p_filesz = image.size - VMLINUX_DATA,
        .p_memsz = image.size,
    };
    memcpy(image.data, &header, sizeof(header));
    memcpy(image.data + sizeof(header), &segment, sizeof(segment));
    return image;
}

static inline struct bytes vmlinux_new(const char *config)
{
    return vmlinux_of(512, config);
}

static inline Elf64_Ehdr *vmlinux_header(const struct bytes *image)
{
    return (Elf64_Ehdr *)(void *)image->data;
}

static inline Elf64_Phdr *vmlinux_segment(const struct bytes *image)
{
    return (Elf64_Phdr *)(void *)(image->data + sizeof(Elf64_Ehdr));
}

enum { BZIMAGE_SETUP = 2 * 512 };

static inline struct setup_header *bzimage_header(const struct bytes *image)
{
    return (struct setup_header *)(void *)(image->data + 0x1f1);
}

/* A bzImage around what is PACKED, whose size unpacked is SIZE. */
static inline struct bytes bzimage_of(const struct bytes *packed, size_t size)
{
    struct bytes image = {0};
    bool gzip = packed->size > 1 && packed->data[0] == 0x1f && packed->data[1] == 0x8b;

    (void)bytes_grow(&image, BZIMAGE_SETUP + 64);
    bytes_add(&image, packed->data, packed->size);
    if (!gzip)
        bytes_add_32(&image, (uint32_t)size);
    size_t payload = image.size - BZIMAGE_SETUP - 64;
    bytes_align(&image, 16);
    struct setup_header header = {
        .setup_sects = 1,
        .syssize = (uint32_t)(image.size - BZIMAGE_SETUP) / 16,
        .boot_flag = 0xaa55,
        .header = 0x53726448,
        .version = 0x020f,
        .loadflags = LOADED_HIGH,
        .xloadflags = XLF_KERNEL_64,
        .payload_offset = 64,
        .payload_length = (uint32_t)payload,
        .kernel_version = 0x300 - 0x200,
    };
    memcpy(image.data + 0x1f1, &header, sizeof(header));
    memcpy(image.data + 0x300, "6.1.0-in-header (a@b) #1", 24);
    return image;
}

static inline struct bytes bzimage_new(const struct packer *packer, const char *config)
{
    _cleanup_bytes_ struct bytes vmlinux = vmlinux_new(config);
    _cleanup_bytes_ struct bytes packed = packer->pack(vmlinux.data, vmlinux.size);

    return bzimage_of(&packed, vmlinux.size);
}

/* For what is tried with each of its bytes. An import takes 100 KiB to 10 MiB for as long, whose
 * pages AddressSanitizer does not use again soon: so many bytes, so many seconds. */
static inline struct bytes bzimage_small(const struct packer *packer)
{
    _cleanup_bytes_ struct bytes vmlinux = vmlinux_of(32, NULL);
    _cleanup_bytes_ struct bytes packed = packer->pack(vmlinux.data, vmlinux.size);

    return bzimage_of(&packed, vmlinux.size);
}

/* The import of the SIZE bytes of DATA; *RET_WHY is NULL on success. */
static inline int import_bytes(const void *data, size_t size, struct kernel_import *ret,
                               char **ret_why)
{
    _cleanup_close_ int fd = file_of(data, size);

    *ret_why = NULL;
    int r = kernel_import_open(fd, "test", ret, ret_why);
    assert_int_equal(r < 0, *ret_why != NULL);
    if (r < 0) {
        assert_ptr_equal(strstr(*ret_why, "test: "), *ret_why);
        assert_int_equal(count_lines(*ret_why), 0);
    }
    return r;
}

/* That IMAGE is refused with R, and a text that has WORDS. */
#define REFUSED(image, r, words) refused((image)->data, (image)->size, r, words, __FILE__, __LINE__)

static inline void refused(const void *data, size_t size, int expected, const char *words,
                           const char *file, int line)
{
    struct kernel_import import;
    _cleanup_free_ char *why = NULL;

    int r = import_bytes(data, size, &import, &why);
    if (r == expected && why && strstr(why, words))
        return;
    fprintf(stderr, "%s:%d: %d (%d expected): %s (\"%s\" expected)\n", file, line, r, expected, why,
            words);
    _fail(file, line);
}

/* Open fds of this process: what an import leaves behind. */
static inline unsigned count_fds(void)
{
    unsigned n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += dup2(fd, fd) == fd;
    return n;
}
