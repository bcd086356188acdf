/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bzImage (Documentation/arch/x86/boot.rst): the ELF kernel that it carries packed, and the
 * version that its header says. */
#include <asm/bootparam.h>
#include <string.h>

#include "tools/kernel/formats.h"
#include "tools/kernel/unpack.h"
#include "tools/kernel/why.h"

enum {
    BZIMAGE_HEADER = 0x1f1,
    BZIMAGE_VERSION_BASE = 0x200,  /* what kernel_version is relative to */
    BZIMAGE_PROTOCOL_MIN = 0x020c, /* 2.12, Linux 3.8: what volt-vmm asks for, too */
    BZIMAGE_SECTOR = 512,
    BZIMAGE_SETUP_SECTORS_DEFAULT = 4,
    BZIMAGE_VERSION_READ = 256,
};

/* "bzImage (…)" for each packing, so that what is handed out is a constant. */
static const struct {
    const char *packing, *format;
} formats[] = {
    {"gzip", "bzImage (gzip)"}, {"xz", "bzImage (xz)"},   {"lzma", "bzImage (lzma)"},
    {"zstd", "bzImage (zstd)"}, {"lz4", "bzImage (lz4)"},
};

static const char *format_of(const char *packing)
{
    for (size_t i = 0; i < ELEMENTSOF(formats); i++) {
        if (strcmp(formats[i].packing, packing) == 0)
            return formats[i].format;
    }
    return "bzImage";
}

static int check_header(const struct setup_header *header, const char *name, char **ret_why)
{
    if (header->boot_flag != 0xaa55 || header->header != 0x53726448 /* HdrS */)
        return why(ret_why, -ENOEXEC, "%s: no bzImage: its boot header is damaged", name);
    if (header->version < BZIMAGE_PROTOCOL_MIN)
        return why(
            ret_why, -ENOEXEC,
            "%s: this bzImage speaks boot protocol %u.%02u; 2.12 (Linux 3.8) or newer is needed",
            name, header->version >> 8, header->version & 0xff);
    if (!(header->loadflags & LOADED_HIGH))
        return why(ret_why, -ENOEXEC, "%s: a zImage, to be loaded low; a bzImage is needed", name);
    if (!(header->xloadflags & XLF_KERNEL_64))
        return why(ret_why, -ENOEXEC,
                   "%s: a kernel without a 64-bit entry point, for 32-bit x86; Volt's guests are "
                   "x86-64",
                   name);
    return 0;
}

/* Where the packed kernel is: all of it in the file, and in what is loaded of the file. */
static int find_payload(const struct source *source, const struct setup_header *header,
                        struct source *ret, char **ret_why)
{
    unsigned sectors = header->setup_sects ? header->setup_sects : BZIMAGE_SETUP_SECTORS_DEFAULT;
    uint64_t start = (sectors + 1) * (uint64_t)BZIMAGE_SECTOR;
    uint64_t loaded = header->syssize * UINT64_C(16);
    struct source image;

    /* syssize counts paragraphs, and the last one need not be whole in the file. */
    if (source->size < start || loaded > source->size - start + 15)
        return why(ret_why, -EBADMSG, "%s: cut off: the file has %llu of %llu KiB", source->name,
                   (unsigned long long)source->size >> 10,
                   (unsigned long long)(start + loaded) >> 10);
    if (loaded > source->size - start)
        loaded = source->size - start;
    (void)source_range(source, start, loaded, &image);
    if (header->payload_length == 0 ||
        !source_range(&image, header->payload_offset, header->payload_length, ret))
        return why(
            ret_why, -EBADMSG,
            "%s: damaged: the packed kernel (%u bytes at %u) is not within the image of %llu bytes",
            source->name, header->payload_length, header->payload_offset,
            (unsigned long long)loaded);
    return 0;
}

/* The version that the header points to; left alone where that is nonsense: the kernel says its
 * own. */
static int read_version(const struct source *source, const struct setup_header *header, char **ret)
{
    unsigned sectors = header->setup_sects ? header->setup_sects : BZIMAGE_SETUP_SECTORS_DEFAULT;
    uint64_t offset = BZIMAGE_VERSION_BASE + header->kernel_version;
    char text[BZIMAGE_VERSION_READ];

    if (*ret) /* .uname of a unified kernel image */
        return 0;
    if (header->kernel_version == 0 ||
        offset + sizeof(text) > (sectors + 1) * (uint64_t)BZIMAGE_SECTOR ||
        source_read(source, offset, text, sizeof(text)) < 0)
        return 0;
    return version_word(text, sizeof(text), ret);
}

/* Every packing but gzip is followed by the size of what is packed, which gzip itself ends with. */
static int check_size(const struct source *payload, const struct unpack *unpack, char **ret_why)
{
    uint8_t size[4];

    int r = payload->size < sizeof(size)
                ? -EBADMSG
                : source_read(payload, payload->size - sizeof(size), size, sizeof(size));
    if (r < 0)
        return why(ret_why, r, "%s: cannot read it: %s", payload->name, strerror(-r));
    uint32_t expected = (uint32_t)size[0] | (uint32_t)size[1] << 8 | (uint32_t)size[2] << 16 |
                        (uint32_t)size[3] << 24;
    if (unpack_produced(unpack) != expected)
        return why(ret_why, -EBADMSG,
                   "%s: damaged: its kernel unpacks to %llu bytes and says that it has %u",
                   payload->name, (unsigned long long)unpack_produced(unpack), expected);
    return 0;
}

static int unpack_payload(const struct source *payload, struct kernel_import *ret, char **ret_why)
{
    _cleanup_(cleanup_unpack) struct unpack *unpack = NULL;
    struct source packed = *payload;
    _cleanup_close_ int fd = -EBADF;
    uint8_t magic[4];

    if (payload->size > sizeof(magic) && source_read(payload, 0, magic, sizeof(magic)) == 0) {
        const char *format = unpack_format(magic, sizeof(magic));
        if (format && strcmp(format, "lz4") == 0) /* has no end of its own: the size is no block */
            packed.size -= sizeof(uint32_t);
    }
    int r = unpack_new(&packed, IMPORT_VMLINUX_MAX, &unpack, ret_why);
    if (r < 0)
        return r;
    fd = unpack_to_temporary(unpack, ret_why);
    if (fd < 0)
        return fd;
    r = check_size(payload, unpack, ret_why);
    if (r < 0)
        return r;
    r = vmlinux_take(fd, payload->name, ret, ret_why);
    if (r < 0)
        return r;
    (void)TAKE_FD(fd);
    ret->format = format_of(unpack_name(unpack));
    return 0;
}

int format_bzimage(const struct source *source, struct kernel_import *ret, char **ret_why)
{
    struct setup_header header;
    struct source payload;

    int r = source_read(source, BZIMAGE_HEADER, &header, sizeof(header));
    if (r == -EBADMSG)
        return why(ret_why, r, "%s: cut off: its boot header has no end", source->name);
    if (r < 0)
        return why(ret_why, r, "%s: cannot read it: %s", source->name, strerror(-r));
    r = check_header(&header, source->name, ret_why);
    if (r < 0)
        return r;
    r = find_payload(source, &header, &payload, ret_why);
    if (r < 0)
        return r;
    r = read_version(source, &header, &ret->version);
    if (r < 0)
        return why(ret_why, r, "Out of memory");
    return unpack_payload(&payload, ret, ret_why);
}
