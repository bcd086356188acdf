/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An ELF vmlinux, entered at its 64-bit entry point: no decompression, the quick way to boot. */
#include <elf.h>
#include <string.h>

#include "vmm/boot/kernel.h"
#include "vmm/boot/layout.h"
#include "vmm/kvm/memory.h"
#include "vmm/log.h"

enum {
    ELF_SEGMENTS_MAX = 64,
    ELF_CMDLINE_MAX = 2047, /* x86's COMMAND_LINE_SIZE */
};

static int check_header(const Elf64_Ehdr *header)
{
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_X86_64)
        return log_errno(-ENOEXEC, "The kernel is an ELF file, but not for x86-64");
    if (header->e_type != ET_EXEC)
        return log_errno(-ENOEXEC, "The kernel is an ELF file, but not an executable (type %u)",
                         header->e_type);
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
        header->e_phnum > ELF_SEGMENTS_MAX)
        return log_errno(-ENOEXEC,
                         "The kernel's ELF program headers make no sense (%u of %u bytes)",
                         header->e_phnum, header->e_phentsize);
    return 0;
}

/* Linux's code and data for its initialisation, .bss with it: all is written to, and most of it is
 * zero. */
static bool is_initialisation(const Elf64_Phdr *segment)
{
    return (segment->p_flags & (PF_W | PF_X)) == (PF_W | PF_X);
}

/* Loads one segment. What a segment has beyond its file bytes is zero, as fresh guest memory is. */
static int load_segment(int fd, bool map, struct guest_memory *memory, const Elf64_Phdr *segment)
{
    unsigned long long start = segment->p_paddr, size = segment->p_memsz;

    if (segment->p_filesz > size)
        return log_errno(-ENOEXEC, "The kernel's segment at %#llx has more bytes than room", start);
    if (start < LAYOUT_KERNEL_MIN)
        return log_errno(-EFAULT, "The kernel's segment at %#llx lies below 1 MiB", start);
    if (!guest_memory_at(memory, start, size))
        return log_errno(
            -ENOSPC, "The kernel's segment of %llu KiB at %#llx does not fit the guest's memory",
            size >> 10, start);
    int r = map && !is_initialisation(segment)
                ? kernel_map_guest_data(fd, memory, start, segment->p_filesz, segment->p_offset)
                : kernel_read_guest_data(fd, memory, start, segment->p_filesz, segment->p_offset);
    if (r == -EIO)
        return log_errno(r, "The kernel image is truncated: its segment at %#llx has no end",
                         start);
    if (r < 0)
        return log_errno(r, "Cannot read the kernel's segment at %#llx: %s", start, strerror(-r));
    return 0;
}

int elf_load(int fd, bool map, struct guest_memory *memory, struct kernel *ret)
{
    Elf64_Ehdr header;
    Elf64_Phdr segments[ELF_SEGMENTS_MAX];
    uint64_t start = UINT64_MAX, end = 0;
    bool entry_loaded = false;

    int r = kernel_read(fd, &header, sizeof(header), 0);
    if (r < 0)
        return log_errno(r, "Cannot read the kernel's ELF header: %s", strerror(-r));
    r = check_header(&header);
    if (r < 0)
        return r;
    r = kernel_read(fd, segments, header.e_phnum * sizeof(Elf64_Phdr), header.e_phoff);
    if (r < 0)
        return log_errno(-EIO, "The kernel image is truncated: it has no ELF program headers");

    for (unsigned i = 0; i < header.e_phnum; i++) {
        const Elf64_Phdr *segment = &segments[i];

        if (segment->p_type != PT_LOAD || segment->p_memsz == 0)
            continue;
        r = load_segment(fd, map, memory, segment);
        if (r < 0)
            return r;
        if (segment->p_paddr < start)
            start = segment->p_paddr;
        if (segment->p_paddr + segment->p_memsz > end)
            end = segment->p_paddr + segment->p_memsz;
        if (header.e_entry >= segment->p_paddr &&
            header.e_entry - segment->p_paddr < segment->p_filesz)
            entry_loaded = true;
    }
    if (!entry_loaded)
        return log_errno(-ENOEXEC, "The kernel's ELF entry point %#llx is in none of its segments",
                         (unsigned long long)header.e_entry);

    *ret = (struct kernel){
        .entry = header.e_entry,
        .start = start,
        .end = end,
        .initrd_max = 0x7fffffff,
        .cmdline_max = ELF_CMDLINE_MAX,
        .header = {.boot_flag = 0xaa55,
                   .header = 0x53726448 /* HdrS */,
                   .kernel_alignment = 1 << 24},
    };
    return 0;
}
