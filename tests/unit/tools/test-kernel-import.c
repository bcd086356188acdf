/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ELF kernels and bzImages: whole, cut off anywhere, damaged, for other machines, and no kernels at
 * all. */
#include <sys/stat.h>

#include "tests/unit/tools/kernel-image.h"

static void check_kernel(const struct bytes *image, const char *format, const char *config)
{
    _cleanup_bytes_ struct bytes vmlinux = vmlinux_new(config);
    struct kernel_import import;
    _cleanup_free_ char *why = NULL, *data = calloc(1, vmlinux.size);
    struct stat st;

    assert_int_equal(import_bytes(image->data, image->size, &import, &why), 0);
    assert_string_equal(import.format, format);
    assert_string_equal(import.version, KERNEL_VERSION);
    assert_int_equal(import.initrd_fd, -EBADF);
    assert_null(import.cmdline);
    if (config)
        assert_string_equal(import.config, config);
    else
        assert_null(import.config);
    assert_int_equal(fstat(import.vmlinux_fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(st.st_size, vmlinux.size);
    assert_int_equal(pread(import.vmlinux_fd, data, vmlinux.size, 0), vmlinux.size);
    assert_memory_equal(data, vmlinux.data, vmlinux.size);
    kernel_import_done(&import);
    assert_int_equal(import.vmlinux_fd, -EBADF);
}

static void test_elf(void **state _unused_)
{
    static const char config[] = "CONFIG_64BIT=y\nCONFIG_VIRTIO=m\n";
    _cleanup_bytes_ struct bytes plain = vmlinux_new(NULL), with = vmlinux_new(config);

    check_kernel(&plain, "elf", NULL);
    check_kernel(&with, "elf", config);
}

static void test_bzimage(void **state _unused_)
{
    static const char config[] = "CONFIG_64BIT=y\n";

    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes plain = bzimage_new(&packers[i], NULL),
                                     with = bzimage_new(&packers[i], config);
        check_kernel(&plain, packers[i].format, NULL);
        check_kernel(&with, packers[i].format, config);
    }
}

/* What follows the ELF file in Linux's payload: its relocations. */
static void test_relocations(void **state _unused_)
{
    _cleanup_bytes_ struct bytes vmlinux = vmlinux_new(NULL);
    struct kernel_import import;
    _cleanup_free_ char *why = NULL;

    for (unsigned i = 0; i < 100; i++)
        bytes_add_32(&vmlinux, 0x81000000 + i);
    _cleanup_bytes_ struct bytes packed = pack_xz(vmlinux.data, vmlinux.size);
    _cleanup_bytes_ struct bytes image = bzimage_of(&packed, vmlinux.size);
    assert_int_equal(import_bytes(image.data, image.size, &import, &why), 0);
    kernel_import_done(&import);
}

/* The version of the header, where the kernel says none. */
static void test_header_version(void **state _unused_)
{
    _cleanup_bytes_ struct bytes vmlinux = vmlinux_new(NULL);
    struct kernel_import import;
    _cleanup_free_ char *why = NULL;

    for (uint8_t *at = vmlinux.data;
         (at = memmem(at, vmlinux.size - (size_t)(at - vmlinux.data), "Linux", 5));)
        memcpy(at, "linux", 5);
    REFUSED(&vmlinux, -ENOEXEC, "\"Linux version\"");
    _cleanup_bytes_ struct bytes packed = pack_gzip(vmlinux.data, vmlinux.size);
    _cleanup_bytes_ struct bytes image = bzimage_of(&packed, vmlinux.size);
    assert_int_equal(import_bytes(image.data, image.size, &import, &why), 0);
    assert_string_equal(import.version, "6.1.0-in-header");
    kernel_import_done(&import);
    /* A pointer to the end of the setup, and out of it: no version at all. */
    bzimage_header(&image)->kernel_version = BZIMAGE_SETUP - 0x200 - 1;
    REFUSED(&image, -ENOEXEC, "\"Linux version\"");
    bzimage_header(&image)->kernel_version = UINT16_MAX;
    REFUSED(&image, -ENOEXEC, "\"Linux version\"");
}

/* Cut off at every byte: refused, with nothing left. */
static void test_truncated(void **state _unused_)
{
    unsigned fds = count_fds();

    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes image = bzimage_small(&packers[i]);
        /* The last paragraph need not be whole. */
        size_t end = BZIMAGE_SETUP + 64 + bzimage_header(&image)->payload_length;
        for (size_t size = 0; size < end; size++) {
            struct kernel_import import;
            _cleanup_free_ char *why = NULL;
            int r = import_bytes(image.data, size, &import, &why);
            assert_true(size < 0x206 ? r < 0 : r == -EBADMSG);
        }
    }
    _cleanup_bytes_ struct bytes vmlinux = vmlinux_new("CONFIG_64BIT=y\n");
    for (size_t size = 0; size < vmlinux.size; size++) {
        struct kernel_import import;
        _cleanup_free_ char *why = NULL;
        int r = import_bytes(vmlinux.data, size, &import, &why);
        assert_true(size < SELFMAG ? r < 0 : r == -EBADMSG);
    }
    assert_int_equal(count_fds(), fds);
}

/* Any one byte of the packed kernel changed: it does not pass for whole. lz4 has no checksum: only
 * that it is refused, or a kernel. */
static void test_damaged(void **state _unused_)
{
    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes image = bzimage_small(&packers[i]);
        bool checked = strcmp(packers[i].name, "lz4") != 0 && strcmp(packers[i].name, "lzma") != 0;
        size_t start = BZIMAGE_SETUP + 64, end = start + bzimage_header(&image)->payload_length;
        unsigned accepted = 0;

        for (size_t at = start; at < end; at++) {
            struct kernel_import import;
            _cleanup_free_ char *why = NULL;
            image.data[at] ^= 0x55;
            int r = import_bytes(image.data, image.size, &import, &why);
            if (r == 0)
                kernel_import_done(&import);
            accepted += r == 0;
            image.data[at] ^= 0x55;
        }
        /* gzip's header has a time and a system in it that mean nothing. */
        if (checked)
            assert_in_range(accepted, 0, 6);
        else
            assert_true(accepted < end - start);
    }
}

static void test_header(void **state _unused_)
{
    _cleanup_bytes_ struct bytes image = bzimage_new(&packers[0], NULL);
    struct setup_header *header = bzimage_header(&image), right = *header;

    header->boot_flag = 0;
    REFUSED(&image, -ENOEXEC, "boot header");
    *header = right;
    header->version = 0x020b;
    REFUSED(&image, -ENOEXEC, "boot protocol 2.11");
    *header = right;
    header->loadflags = 0;
    REFUSED(&image, -ENOEXEC, "zImage");
    *header = right;
    header->xloadflags = 0;
    REFUSED(&image, -ENOEXEC, "32-bit x86");
    *header = right;
    header->setup_sects = 255;
    REFUSED(&image, -EBADMSG, "cut off");
    *header = right;
    header->setup_sects = 0; /* means 4: the payload is elsewhere then */
    header->syssize -= 3 * 512 / 16;
    REFUSED(&image, -EBADMSG, "damaged");
    *header = right;
    header->syssize = UINT32_MAX;
    REFUSED(&image, -EBADMSG, "cut off");
    *header = right;
    header->payload_offset = UINT32_MAX;
    REFUSED(&image, -EBADMSG, "not within");
    *header = right;
    header->payload_length = UINT32_MAX;
    REFUSED(&image, -EBADMSG, "not within");
    *header = right;
    header->payload_length = 0;
    REFUSED(&image, -EBADMSG, "not within");
    *header = right;
    header->payload_offset = UINT32_MAX - 8;
    header->payload_length = 16;
    REFUSED(&image, -EBADMSG, "not within");
    *header = right;
    header->payload_length = 2;
    REFUSED(&image, -ENOEXEC, "unknown way");
}

static void test_elf_header(void **state _unused_)
{
    _cleanup_bytes_ struct bytes image = vmlinux_new(NULL);
    Elf64_Ehdr *header = vmlinux_header(&image), right = *header;
    Elf64_Phdr *segment = vmlinux_segment(&image), right_segment = *segment;

    header->e_machine = EM_AARCH64;
    REFUSED(&image, -ENOEXEC, "64-bit ARM");
    header->e_machine = EM_386;
    REFUSED(&image, -ENOEXEC, "32-bit x86");
    header->e_machine = 1234;
    REFUSED(&image, -ENOEXEC, "another architecture");
    *header = right;
    header->e_ident[EI_CLASS] = ELFCLASS32;
    REFUSED(&image, -ENOEXEC, "not a 64-bit");
    *header = right;
    header->e_type = ET_REL;
    REFUSED(&image, -ENOEXEC, "module");
    *header = right;
    header->e_phnum = 65;
    REFUSED(&image, -ENOEXEC, "make no sense");
    header->e_phnum = 0;
    REFUSED(&image, -ENOEXEC, "make no sense");
    *header = right;
    header->e_phentsize = 32;
    REFUSED(&image, -ENOEXEC, "make no sense");
    *header = right;
    header->e_phoff = UINT64_MAX - 8;
    REFUSED(&image, -EBADMSG, "program headers");
    *header = right;
    header->e_entry = 0x100;
    REFUSED(&image, -ENOEXEC, "entry point");
    *header = right;
    segment->p_offset = UINT64_MAX - 16;
    REFUSED(&image, -EBADMSG, "no end");
    *segment = right_segment;
    segment->p_memsz = 1;
    REFUSED(&image, -ENOEXEC, "more bytes than room");
    *segment = right_segment;
    segment->p_paddr = 0x1000;
    REFUSED(&image, -ENOEXEC, "below 1 MiB");
    segment->p_paddr = UINT64_MAX - 16;
    REFUSED(&image, -ENOEXEC, "where no guest has memory");
    *segment = right_segment;
    segment->p_memsz = UINT64_MAX;
    REFUSED(&image, -ENOEXEC, "where no guest has memory");
    *segment = right_segment;
    segment->p_type = PT_NOTE;
    REFUSED(&image, -ENOEXEC, "entry point");
}

/* What is packed is no kernel, for another machine, or packed as nothing that is read. */
static void test_payload(void **state _unused_)
{
    static const struct {
        const char *magic, *words;
        int r;
    } others[] = {
        {"BZh91AY&SY", "packed as bzip2", -EOPNOTSUPP},
        {"\x89LZO\0\r\n\x1a\n", "packed as lzo", -EOPNOTSUPP},
        {"\x04\x22\x4d\x18....", "lz4 -l", -EOPNOTSUPP},
        {"nonsense", "6e 6f 6e 73", -ENOEXEC},
    };
    _cleanup_bytes_ struct bytes vmlinux = vmlinux_new(NULL);

    for (size_t i = 0; i < ELEMENTSOF(others); i++) {
        _cleanup_bytes_ struct bytes packed = {0};
        bytes_add_text(&packed, others[i].magic);
        (void)bytes_grow(&packed, 64);
        _cleanup_bytes_ struct bytes image = bzimage_of(&packed, 4096);
        REFUSED(&image, others[i].r, others[i].words);
    }
    for (size_t i = 0; i < ELEMENTSOF(packers); i++) {
        _cleanup_bytes_ struct bytes text = packers[i].pack("no kernel", 9);
        _cleanup_bytes_ struct bytes with_text = bzimage_of(&text, 9);
        REFUSED(&with_text, -EBADMSG, "ELF header");
        _cleanup_bytes_ struct bytes packed = packers[i].pack(vmlinux.data, vmlinux.size);
        _cleanup_bytes_ struct bytes image = bzimage_of(&packed, vmlinux.size + 1);
        if (i > 0) /* gzip has no size of Linux's behind it */
            REFUSED(&image, -EBADMSG, "says that it has");
    }
    vmlinux_header(&vmlinux)->e_machine = EM_RISCV;
    _cleanup_bytes_ struct bytes packed = pack_zstd(vmlinux.data, vmlinux.size);
    _cleanup_bytes_ struct bytes image = bzimage_of(&packed, vmlinux.size);
    REFUSED(&image, -ENOEXEC, "RISC-V");
}

static void test_no_kernel(void **state _unused_)
{
    static const struct {
        size_t offset;
        const char *magic, *words;
    } others[] = {
        {56, "ARM\x64", "64-bit ARM"},   {56, "RSC\x05", "RISC-V"},
        {0, "070701000", "initrd"},      {0, "\x1f\x8b\x08", "packed with gzip"},
        {0, "#!/bin/sh", "script"},      {0, "QFI\xfb", "qcow2"},
        {0, "hello world", "no kernel"}, {0, "", "no kernel"},
    };

    for (size_t i = 0; i < ELEMENTSOF(others); i++) {
        _cleanup_bytes_ struct bytes image = {0};
        memcpy(bytes_grow(&image, 4096) + others[i].offset, others[i].magic,
               strlen(others[i].magic));
        REFUSED(&image, -ENOEXEC, others[i].words);
    }
    _cleanup_bytes_ struct bytes empty = {.data = malloc(1)};
    REFUSED(&empty, -EBADMSG, "empty");
}

/* Beyond the limits, by holes; and no regular file. */
static void test_files(void **state _unused_)
{
    _cleanup_bytes_ struct bytes vmlinux = vmlinux_new(NULL);
    _cleanup_close_ int fd = file_of(vmlinux.data, vmlinux.size);
    struct kernel_import import;
    char *why = NULL;

    assert_int_equal(ftruncate(fd, (off_t)(2 * GIB)), 0);
    assert_int_equal(kernel_import_open(fd, "test", &import, &why), -EFBIG);
    assert_string_equal(why, "test: 2048 MiB are more than the 1024 MiB that are read of a file");
    free(TAKE_PTR(why));
    assert_int_equal(ftruncate(fd, (off_t)(IMPORT_VMLINUX_MAX + 1)), 0);
    assert_int_equal(kernel_import_open(fd, "test", &import, &why), -EFBIG);
    assert_non_null(strstr(why, "strip --strip-debug"));
    free(TAKE_PTR(why));
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(kernel_import_open(ends[0], "test", &import, &why), -EINVAL);
    assert_string_equal(why, "test: not a regular file");
    free(why);
    assert_int_equal(close(ends[0]) | close(ends[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elf),       cmocka_unit_test(test_bzimage),
        cmocka_unit_test(test_truncated), cmocka_unit_test(test_relocations),
        cmocka_unit_test(test_damaged),   cmocka_unit_test(test_header_version),
        cmocka_unit_test(test_header),    cmocka_unit_test(test_elf_header),
        cmocka_unit_test(test_payload),   cmocka_unit_test(test_no_kernel),
        cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests_name("kernel-import", tests, NULL, NULL);
}
