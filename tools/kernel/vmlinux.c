/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An ELF vmlinux: what volt-vmm will check at each boot, checked once before; its version and,
 * where it carries one, its configuration. */
#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tools/kernel/formats.h"
#include "tools/kernel/unpack.h"
#include "tools/kernel/why.h"

enum {
    VMLINUX_SEGMENTS_MAX = 64, /* as vmm/boot/elf.c has it */
    VMLINUX_ADDRESS_MIN = 1 << 20,
    VERSION_MAX = 128,
};
#define VMLINUX_ADDRESS_MAX (UINT64_C(1) << 40)

const char *vmlinux_architecture(unsigned machine)
{
    static const struct {
        unsigned machine;
        const char *name;
    } known[] = {
        {EM_386, "32-bit x86"}, {EM_X86_64, "x86-64"}, {EM_AARCH64, "64-bit ARM"},
        {EM_ARM, "32-bit ARM"}, {EM_RISCV, "RISC-V"},  {EM_PPC64, "POWER"},
        {EM_S390, "s390"},
    };

    for (size_t i = 0; i < ELEMENTSOF(known); i++) {
        if (known[i].machine == machine)
            return known[i].name;
    }
    return "another architecture";
}

static int check_header(const Elf64_Ehdr *header, const char *name, char **ret_why)
{
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return why(ret_why, -ENOEXEC, "%s: what is packed in it is no ELF kernel", name);
    if (header->e_machine != EM_X86_64)
        return why(ret_why, -ENOEXEC, "%s: a kernel for %s; Volt's guests are x86-64", name,
                   vmlinux_architecture(header->e_machine));
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
        return why(ret_why, -ENOEXEC, "%s: an ELF file, but not a 64-bit little-endian one", name);
    if (header->e_type != ET_EXEC)
        return why(ret_why, -ENOEXEC,
                   "%s: an ELF file of type %u, no executable: is it a module or a program? A "
                   "kernel's is called "
                   "vmlinux",
                   name, header->e_type);
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
        header->e_phnum > VMLINUX_SEGMENTS_MAX)
        return why(ret_why, -ENOEXEC, "%s: its ELF program headers make no sense (%u of %u bytes)",
                   name, header->e_phnum, header->e_phentsize);
    return 0;
}

static int check_segment(const Elf64_Phdr *segment, uint64_t size, const char *name, char **ret_why)
{
    unsigned long long at = segment->p_paddr;

    if (segment->p_offset > size || segment->p_filesz > size - segment->p_offset)
        return why(ret_why, -EBADMSG, "%s: cut off: the segment at %#llx has no end", name, at);
    if (segment->p_filesz > segment->p_memsz)
        return why(ret_why, -ENOEXEC, "%s: the segment at %#llx has more bytes than room", name,
                   at);
    if (at < VMLINUX_ADDRESS_MIN)
        return why(ret_why, -ENOEXEC, "%s: the segment at %#llx lies below 1 MiB", name, at);
    if (at > VMLINUX_ADDRESS_MAX || segment->p_memsz > VMLINUX_ADDRESS_MAX)
        return why(ret_why, -ENOEXEC, "%s: the segment at %#llx lies where no guest has memory",
                   name, at);
    return 0;
}

static int check_segments(const uint8_t *data, uint64_t size, const char *name, char **ret_why)
{
    bool entry_loaded = false;
    Elf64_Ehdr header;

    memcpy(&header, data, sizeof(header));
    uint64_t table = header.e_phnum * (uint64_t)sizeof(Elf64_Phdr);
    if (header.e_phoff > size || table > size - header.e_phoff)
        return why(ret_why, -EBADMSG, "%s: cut off: it has no ELF program headers", name);
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr segment;

        memcpy(&segment, data + header.e_phoff + i * sizeof(segment), sizeof(segment));
        if (segment.p_type != PT_LOAD || segment.p_memsz == 0)
            continue;
        int r = check_segment(&segment, size, name, ret_why);
        if (r < 0)
            return r;
        if (header.e_entry >= segment.p_paddr &&
            header.e_entry - segment.p_paddr < segment.p_filesz)
            entry_loaded = true;
    }
    if (!entry_loaded)
        return why(ret_why, -ENOEXEC,
                   "%s: its ELF entry point %#llx is in none of its segments: no kernel", name,
                   (unsigned long long)header.e_entry);
    return 0;
}

int version_word(const char *version, size_t size, char **ret)
{
    size_t n = 0;

    while (n < size && n < VERSION_MAX && version[n] > ' ' && version[n] < 0x7f &&
           version[n] != '/')
        n++;
    /* It is cut off, or no number: something else that stands there. */
    *ret = NULL;
    if (n == 0 || n == size || n == VERSION_MAX || version[0] < '0' || version[0] > '9' ||
        (version[n] != ' ' && version[n] != '\0' && version[n] != '\n'))
        return 0;
    *ret = strndup(version, n);
    return *ret ? 0 : -ENOMEM;
}

/* What the kernel says first when it boots: "Linux version 6.1.0-50-cloud-amd64 (debian-kernel@…".
 */
static int find_version(const uint8_t *data, size_t size, char **ret)
{
    static const char banner[] = "Linux version ";
    const uint8_t *end = data + size, *at = data;

    *ret = NULL;
    while (!*ret && (at = memmem(at, (size_t)(end - at), banner, sizeof(banner) - 1))) {
        at += sizeof(banner) - 1;
        int r = version_word((const char *)at, (size_t)(end - at), ret);
        if (r < 0)
            return r;
    }
    return 0;
}

/* CONFIG_IKCONFIG: the .config as gzip, between two marks. */
static int find_config(const struct source *source, const uint8_t *data, char **ret, char **ret_why)
{
    static const char mark[] = "IKCFG_ST\x1f\x8b\x08";
    enum { MARK = 8 };
    _cleanup_(cleanup_unpack) struct unpack *unpack = NULL;
    _cleanup_close_ int fd = -EBADF;
    struct source packed, text;
    struct stat st;

    *ret = NULL;
    const uint8_t *at = memmem(data, source->size, mark, sizeof(mark) - 1);
    if (!at)
        return 0;
    uint64_t offset = (uint64_t)(at - data) + MARK;
    (void)source_range(source, offset, source->size - offset, &packed);
    int r = unpack_new(&packed, IMPORT_CONFIG_MAX, &unpack, ret_why);
    if (r < 0)
        return r;
    fd = unpack_to_temporary(unpack, ret_why);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return why(ret_why, -errno, "%s: cannot look at its configuration: %m", source->name);
    text = (struct source){.fd = fd, .size = (uint64_t)st.st_size, .name = source->name};
    return source_text(&text, ret, ret_why);
}

static int look_through(const struct source *source, const uint8_t *data, struct kernel_import *ret,
                        char **ret_why)
{
    _cleanup_free_ char *version = NULL;
    Elf64_Ehdr header;

    memcpy(&header, data, sizeof(header));
    int r = check_header(&header, source->name, ret_why);
    if (r < 0)
        return r;
    r = check_segments(data, source->size, source->name, ret_why);
    if (r < 0)
        return r;
    r = find_version(data, source->size, &version);
    if (r < 0)
        return why(ret_why, r, "Out of memory");
    if (!version && !ret->version)
        return why(
            ret_why, -ENOEXEC,
            "%s: an ELF program for x86-64, but it says \"Linux version\" nowhere: no kernel",
            source->name);
    if (version) { /* it is this one that boots, whatever a header says */
        free(ret->version);
        ret->version = TAKE_PTR(version);
    }
    return ret->config ? 0 : find_config(source, data, &ret->config, ret_why);
}

int vmlinux_take(int fd, const char *name, struct kernel_import *ret, char **ret_why)
{
    struct source source;

    int r = source_open(fd, name, IMPORT_VMLINUX_MAX, &source, ret_why);
    if (r < 0)
        return r;
    if (source.size < sizeof(Elf64_Ehdr))
        return why(ret_why, -EBADMSG, "%s: cut off: its ELF header has no end", name);
    /* Nobody else has the file, so that it cannot shrink under the mapping. */
    uint8_t *data = mmap(NULL, source.size, PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED)
        return why(ret_why, -errno, "%s: cannot map the unpacked kernel: %m", name);
    r = look_through(&source, data, ret, ret_why);
    (void)munmap(data, source.size);
    if (r < 0)
        return r;
    ret->vmlinux_fd = fd;
    return 0;
}

int format_vmlinux(const struct source *source, struct kernel_import *ret, char **ret_why)
{
    _cleanup_close_ int fd = -EBADF;
    Elf64_Ehdr header;

    int r = source_read(source, 0, &header, sizeof(header));
    if (r == -EBADMSG)
        return why(ret_why, r, "%s: cut off: its ELF header has no end", source->name);
    if (r < 0)
        return why(ret_why, r, "%s: cannot read it: %s", source->name, strerror(-r));
    r = check_header(&header, source->name, ret_why); /* before it is copied */
    if (r < 0)
        return r;
    if (source->size > IMPORT_VMLINUX_MAX)
        return why(ret_why, -EFBIG,
                   "%s: %llu MiB are more than a kernel's limit of %llu MiB; strip --strip-debug "
                   "makes it smaller",
                   source->name, (unsigned long long)source->size >> 20,
                   (unsigned long long)IMPORT_VMLINUX_MAX >> 20);
    r = source_copy(source, &fd, ret_why);
    if (r < 0)
        return r;
    r = vmlinux_take(fd, source->name, ret, ret_why);
    if (r < 0)
        return r;
    (void)TAKE_FD(fd);
    ret->format = "elf";
    return 0;
}
