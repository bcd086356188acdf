/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells kernel files apart by what they begin with. */
#include "tools/kernel/import.h"

#include <elf.h>
#include <string.h>

#include "tools/kernel/formats.h"
#include "tools/kernel/unpack.h"
#include "tools/kernel/why.h"

struct start {
    uint8_t bytes[FORMAT_START];
    size_t size;
};

static bool start_has(const struct start *start, size_t offset, const char *magic, size_t size)
{
    return offset + size <= start->size && memcmp(start->bytes + offset, magic, size) == 0;
}

#define HAS(start, offset, magic) start_has(start, offset, magic, sizeof(magic) - 1)

static bool is_bzimage(const struct start *start)
{
    return HAS(start, 0x202, "HdrS");
}

/* Files that are given for kernels; each with what would be right. */
static int refuse(const struct source *source, const struct start *start, char **ret_why)
{
    static const char right[] = "a kernel is an ELF vmlinux, a bzImage (vmlinuz), a unified kernel "
                                "image or a Debian package";
    const char *packing = unpack_format(start->bytes, start->size);
    const char *what = NULL;

    if (HAS(start, 56, "ARM\x64"))
        what = "a kernel for 64-bit ARM";
    else if (HAS(start, 56, "RSC\x05"))
        what = "a kernel for RISC-V";
    else if (HAS(start, 0, "\x27\x05\x19\x56"))
        what = "a U-Boot image";
    else if (HAS(start, 0, "07070"))
        what = "a cpio archive, such as an initrd (--initrd)";
    else if (HAS(start, 0, "QFI\xfb"))
        what = "a qcow2 disk image";
    else if (HAS(start, 0, "\xed\xab\xee\xdb"))
        what = "an RPM package";
    else if (HAS(start, 0, "#!"))
        what = "a script";
    if (what)
        return why(ret_why, -ENOEXEC, "%s: %s; %s", source->name, what, right);
    if (packing)
        return why(ret_why, -ENOEXEC,
                   "%s: packed with %s as a whole, as an initrd is (--initrd); %s", source->name,
                   packing, right);
    return why(ret_why, -ENOEXEC, "%s: no kernel file; %s", source->name, right);
}

static int read_start(const struct source *source, struct start *ret, char **ret_why)
{
    ret->size = source->size < FORMAT_START ? (size_t)source->size : FORMAT_START;
    int r = source_read(source, 0, ret->bytes, ret->size);
    if (r < 0)
        return why(ret_why, r, "%s: cannot read it: %s", source->name, strerror(-r));
    return 0;
}

int format_kernel(const struct source *source, struct kernel_import *ret, char **ret_why)
{
    struct start start;

    int r = read_start(source, &start, ret_why);
    if (r < 0)
        return r;
    if (HAS(&start, 0, ELFMAG))
        return format_vmlinux(source, ret, ret_why);
    if (is_bzimage(&start))
        return format_bzimage(source, ret, ret_why);
    return refuse(source, &start, ret_why);
}

int kernel_import_open(int fd, const char *name, struct kernel_import *ret, char **ret_why)
{
    struct kernel_import import = KERNEL_IMPORT_NONE;
    struct source source;
    struct start start;

    int r = source_open(fd, name, IMPORT_INPUT_MAX, &source, ret_why);
    if (r < 0)
        return r;
    r = read_start(&source, &start, ret_why);
    if (r < 0)
        return r;
    if (HAS(&start, 0, "!<arch>\n"))
        r = format_deb(&source, &import, ret_why);
    else if (HAS(&start, 0, "MZ") && !is_bzimage(&start))
        r = format_uki(&source, &import, ret_why);
    else
        r = format_kernel(&source, &import, ret_why);
    if (r < 0) {
        kernel_import_done(&import);
        return r;
    }
    *ret = import;
    return 0;
}

void kernel_import_done(struct kernel_import *import)
{
    (void)close_fd(import->vmlinux_fd);
    (void)close_fd(import->initrd_fd);
    free(import->cmdline);
    free(import->config);
    free(import->version);
    *import = KERNEL_IMPORT_NONE;
}
