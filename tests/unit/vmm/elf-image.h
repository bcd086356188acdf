/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A small ELF kernel for tests, right until a test changes it. */
#pragma once

#include <elf.h>

#include "test.h"

enum { ELF_IMAGE_CODE = 0x1000 };

struct elf_image {
    Elf64_Ehdr header;
    Elf64_Phdr segments[3];
    uint8_t padding[ELF_IMAGE_CODE - sizeof(Elf64_Ehdr) - 3 * sizeof(Elf64_Phdr)];
    uint8_t code[4096]; /* at file offset ELF_IMAGE_CODE */
};

/* 4 KiB of 0x90 at 2 MiB with 8 KiB of room, and 256 bytes of the same file bytes at 4 MiB; a note.
 */
static inline struct elf_image *elf_image_new(void)
{
    struct elf_image *image = calloc(1, sizeof(*image));

    assert_non_null(image);
    image->header = (Elf64_Ehdr){
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = 0x200010,
        .e_phoff = offsetof(struct elf_image, segments),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 3,
    };
    image->segments[0] = (Elf64_Phdr){
        .p_type = PT_LOAD,
        .p_offset = ELF_IMAGE_CODE,
        .p_vaddr = 0xffffffff80200000,
        .p_paddr = 0x200000,
        .p_filesz = 4096,
        .p_memsz = 8192,
    };
    image->segments[1] = image->segments[0];
    image->segments[1].p_paddr = 0x400000;
    image->segments[1].p_filesz = image->segments[1].p_memsz = 256;
    image->segments[2] = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = UINT64_MAX, .p_filesz = 1};
    memset(image->code, 0x90, sizeof(image->code));
    return image;
}
