/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A unified kernel image: a PE program whose sections are a kernel, an initrd and a command line
 * (UAPI.5). The stub in it, and what only firmware has a use for, is left out; so is .ucode, as no
 * guest loads microcode. */
#include <string.h>

#include "tools/kernel/formats.h"
#include "tools/kernel/why.h"

enum {
    PE_OFFSET_AT = 0x3c,
    PE_HEADER = 24, /* "PE\0\0" and the COFF header */
    PE_MACHINE_X86_64 = 0x8664,
    PE_OPTIONAL_64 = 0x20b, /* PE32+ */
    PE_SECTIONS_MAX = 256,
    UKI_CMDLINE_MAX = 2047, /* x86's COMMAND_LINE_SIZE, with its NUL */
    UKI_UNAME_MAX = 128,
};

struct pe_section {
    char name[8];
    uint32_t virtual_size, virtual_address, raw_size, raw_offset;
    uint32_t relocations, line_numbers;
    uint16_t relocation_count, line_number_count;
    uint32_t characteristics;
};
_Static_assert(sizeof(struct pe_section) == 40, "as PE has it");

enum { UKI_LINUX, UKI_INITRD, UKI_CMDLINE, UKI_UNAME, UKI_SECTIONS };

static const char *const section_names[UKI_SECTIONS] = {
    [UKI_LINUX] = ".linux",
    [UKI_INITRD] = ".initrd",
    [UKI_CMDLINE] = ".cmdline",
    [UKI_UNAME] = ".uname",
};

struct uki {
    struct source parts[UKI_SECTIONS]; /* .size 0: there is none */
    bool profiles;                     /* more follows that belongs to one of several */
};

static const char *machine_name(unsigned machine)
{
    switch (machine) {
    case 0x14c:
        return "32-bit x86";
    case 0xaa64:
        return "64-bit ARM";
    case 0x1c0:
    case 0x1c2:
    case 0x1c4:
        return "32-bit ARM";
    case 0x5064:
        return "RISC-V";
    default:
        return "another architecture";
    }
}

static int damaged(const struct source *source, const char *what, char **ret_why)
{
    return why(ret_why, -EBADMSG, "%s: a PE program that is damaged or cut off: %s", source->name,
               what);
}

static uint16_t get_16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

/* Where the section table is, and how many it has. */
static int read_headers(const struct source *source, uint64_t *ret_table, unsigned *ret_count,
                        char **ret_why)
{
    uint8_t header[PE_HEADER + 2]; /* the optional header's magic number, too */
    uint32_t at;

    if (source_read(source, PE_OFFSET_AT, &at, sizeof(at)) < 0 ||
        source_read(source, at, header, sizeof(header)) < 0)
        return damaged(source, "its PE header is not there", ret_why);
    if (memcmp(header, "PE\0", 4) != 0)
        return why(ret_why, -ENOEXEC, "%s: a DOS program, no unified kernel image and no bzImage",
                   source->name);
    unsigned machine = get_16(header + 4), count = get_16(header + 6),
             optional = get_16(header + 20);
    if (machine != PE_MACHINE_X86_64)
        return why(ret_why, -ENOEXEC, "%s: an EFI program for %s; Volt's guests are x86-64",
                   source->name, machine_name(machine));
    if (get_16(header + PE_HEADER) != PE_OPTIONAL_64 || count == 0 || count > PE_SECTIONS_MAX)
        return damaged(source, "its PE headers make no sense", ret_why);
    *ret_table = (uint64_t)at + PE_HEADER + optional;
    *ret_count = count;
    return 0;
}

static int take_section(const struct source *source, const struct pe_section *section,
                        uint64_t headers_end, struct uki *uki, char **ret_why)
{
    /* What is in the file: it is padded to whole sectors, or the rest is to be zero in memory. */
    uint64_t size =
        section->raw_size < section->virtual_size ? section->raw_size : section->virtual_size;
    char what[64];

    for (size_t i = 0; i < UKI_SECTIONS; i++) {
        if (strncmp(section->name, section_names[i], sizeof(section->name)) != 0 || size == 0 ||
            uki->parts[i].size > 0) /* as systemd's stub: the first one wins */
            continue;
        (void)snprintf(what, sizeof(what), "its section %s is not within the file",
                       section_names[i]);
        if (section->raw_offset < headers_end ||
            !source_range(source, section->raw_offset, size, &uki->parts[i]))
            return damaged(source, what, ret_why);
    }
    return 0;
}

static int find_sections(const struct source *source, struct uki *ret, char **ret_why)
{
    struct pe_section section;
    uint64_t table = 0;
    unsigned count = 0;

    int r = read_headers(source, &table, &count, ret_why);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < count && !ret->profiles; i++) {
        if (source_read(source, table + i * sizeof(section), &section, sizeof(section)) < 0)
            return damaged(source, "its section table has no end", ret_why);
        if (memcmp(section.name, ".profile", sizeof(section.name)) == 0)
            ret->profiles = true;
        else
            r = take_section(source, &section, table + count * sizeof(section), ret, ret_why);
        if (r < 0)
            return r;
    }
    for (size_t a = 0; a < UKI_SECTIONS; a++) {
        for (size_t b = 0; b < UKI_SECTIONS; b++) {
            const struct source *x = &ret->parts[a], *y = &ret->parts[b];
            if (a != b && x->size > 0 && y->size > 0 && x->offset <= y->offset &&
                y->offset - x->offset < x->size)
                return damaged(source, "its sections overlap", ret_why);
        }
    }
    return 0;
}

/* Text of at most MAX bytes without the NULs, line ends and blanks that it ends with. */
static int read_text(const struct source *part, const char *section, size_t max, char **ret,
                     char **ret_why)
{
    _cleanup_free_ char *text = NULL;
    struct source shown = *part;

    *ret = NULL;
    if (part->size == 0)
        return 0;
    if (part->size > 2 * max) /* with some padding */
        goto too_long;
    int r = source_text(&shown, &text, ret_why);
    if (r < 0)
        return r;
    size_t n = part->size;
    while (n > 0 && (text[n - 1] == '\0' || text[n - 1] == '\n' || text[n - 1] == '\r' ||
                     text[n - 1] == ' '))
        n--;
    text[n] = '\0';
    if (n > max)
        goto too_long;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)text[i], next = (uint8_t)text[i + 1];
        /* C1 controls are two bytes in UTF-8. */
        if (c < ' ' || c == 0x7f || (c == 0xc2 && next >= 0x80 && next < 0xa0))
            return why(
                ret_why, -EBADMSG,
                "%s: its section %s has the control character %#04x; it must be one line of text",
                part->name, section, c);
    }
    *ret = n > 0 ? TAKE_PTR(text) : NULL;
    return 0;
too_long:
    return why(ret_why, -EFBIG, "%s: its section %s has more than %zu characters", part->name,
               section, max);
}

int format_uki(const struct source *source, struct kernel_import *ret, char **ret_why)
{
    _cleanup_free_ char *uname = NULL;
    struct uki uki = {0};

    int r = find_sections(source, &uki, ret_why);
    if (r < 0)
        return r;
    if (uki.parts[UKI_LINUX].size == 0)
        return why(ret_why, -ENOEXEC,
                   "%s: an EFI program without a .linux section, such as a boot loader; a unified "
                   "kernel image has one",
                   source->name);
    r = read_text(&uki.parts[UKI_CMDLINE], ".cmdline", UKI_CMDLINE_MAX, &ret->cmdline, ret_why);
    if (r < 0)
        return r;
    r = read_text(&uki.parts[UKI_UNAME], ".uname", UKI_UNAME_MAX, &uname, ret_why);
    if (r < 0)
        return r;
    if (uname)
        r = version_word(uname, strlen(uname) + 1, &ret->version);
    if (r < 0)
        return why(ret_why, r, "Out of memory");
    r = format_kernel(&uki.parts[UKI_LINUX], ret, ret_why);
    if (r < 0)
        return r;
    if (uki.parts[UKI_INITRD].size > 0)
        r = source_copy(&uki.parts[UKI_INITRD], &ret->initrd_fd, ret_why);
    ret->format = uki.profiles ? "uki (base profile)" : "uki";
    return r;
}
