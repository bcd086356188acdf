/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A Debian kernel package (deb(5)): its kernel and its configuration. Nothing is ever extracted to
 * a path of the archive's. It has no initrd: update-initramfs makes that where the package is
 * installed. */
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/kernel/formats.h"
#include "tools/kernel/tar.h"
#include "tools/kernel/why.h"

enum {
    AR_MAGIC = 8,
    AR_MEMBERS_MAX = 16,
    DEB_ENTRIES_MAX = 100000,
    DEB_CONTROL_MAX = 1 << 20,
    DEB_FIELD_MAX = 512,
};
#define DEB_UNPACKED_MAX (UINT64_C(2) << 30)

struct ar_header {
    char name[16], mtime[12], uid[6], gid[6], mode[8], size[10], end[2];
};
_Static_assert(sizeof(struct ar_header) == 60, "as ar has it");

struct deb {
    struct source control, data; /* .size 0: not there */
};

static int damaged(const struct source *source, const char *what, char **ret_why)
{
    return why(ret_why, -EBADMSG, "%s: a package that is damaged or cut off: %s", source->name,
               what);
}

static bool parse_decimal(const char *text, size_t size, uint64_t *ret)
{
    uint64_t value = 0;
    size_t i = 0;

    for (; i < size && text[i] >= '0' && text[i] <= '9'; i++)
        value = value * 10 + (uint64_t)(text[i] - '0');
    if (i == 0 || (i < size && text[i] != ' '))
        return false;
    *ret = value;
    return true;
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int find_members(const struct source *source, struct deb *ret, char **ret_why)
{
    uint64_t offset = AR_MAGIC, size;
    struct ar_header header;
    struct source member;

    for (unsigned i = 0; i < AR_MEMBERS_MAX && offset < source->size && ret->data.size == 0; i++) {
        if (source_read(source, offset, &header, sizeof(header)) < 0)
            return damaged(source, "a member's header has no end", ret_why);
        if (memcmp(header.end, "`\n", 2) != 0 ||
            !parse_decimal(header.size, sizeof(header.size), &size))
            return damaged(source, "a member's header is wrong", ret_why);
        offset += sizeof(header);
        if (!source_range(source, offset, size, &member))
            return damaged(source, "a member has no end", ret_why);
        if (i == 0 && !has_prefix(header.name, "debian-binary"))
            return why(ret_why, -ENOEXEC, "%s: an ar archive, but no Debian package", source->name);
        if (has_prefix(header.name, "control.tar"))
            ret->control = member;
        else if (has_prefix(header.name, "data.tar"))
            ret->data = member;
        offset += size + size % 2;
    }
    if (ret->control.size == 0 || ret->data.size == 0)
        return damaged(source, "control.tar or data.tar is not there", ret_why);
    return 0;
}

static int open_tar(const struct source *member, struct reader **ret, char **ret_why)
{
    struct unpack *unpack = NULL;
    uint8_t start[8] = {0};
    int r;

    if (member->size >= sizeof(start))
        (void)source_read(member, 0, start, sizeof(start));
    if (start[0] == '.' || start[0] == 'b') /* a name: a tar that is not packed */
        r = unpack_new_stored(member, DEB_UNPACKED_MAX, &unpack, ret_why);
    else
        r = unpack_new(member, DEB_UNPACKED_MAX, &unpack, ret_why);
    if (r < 0)
        return r;
    *ret = reader_new(unpack, member->name);
    return *ret ? 0 : why(ret_why, -ENOMEM, "Out of memory");
}

/* The content of ENTRY, which comes next in READER, as a file; and as text. */
static int take_file(struct reader *reader, const struct tar_entry *entry, uint64_t max,
                     struct source *ret, char **ret_why)
{
    _cleanup_close_ int fd = -EBADF;

    if (entry->size > max)
        return why(ret_why, -EFBIG,
                   "%s: %s in it has %llu KiB, which is more than the limit of %llu KiB",
                   reader->name, entry->name, (unsigned long long)entry->size >> 10,
                   (unsigned long long)max >> 10);
    fd = temporary_file(ret_why);
    if (fd < 0)
        return fd;
    int r = tar_pass(reader, entry, fd, ret_why);
    if (r < 0)
        return r;
    *ret = (struct source){.fd = TAKE_FD(fd), .size = entry->size, .name = reader->name};
    return 0;
}

static int take_text(struct reader *reader, const struct tar_entry *entry, uint64_t max, char **ret,
                     char **ret_why)
{
    struct source file;

    int r = take_file(reader, entry, max, &file, ret_why);
    if (r < 0)
        return r;
    r = source_text(&file, ret, ret_why);
    (void)close_fd(file.fd);
    if (r == 0 && strlen(*ret) != file.size) {
        free(TAKE_PTR(*ret));
        return why(ret_why, -EBADMSG, "%s: %s in it is no text", reader->name, entry->name);
    }
    return r;
}

/* FIELD of a control file, with what may be shown of it; empty where there is none. */
static void control_field(const char *control, const char *field, char ret[static DEB_FIELD_MAX])
{
    const char *at = control;
    size_t n = 0;

    ret[0] = '\0';
    while (at && !has_prefix(at, field)) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    if (!at)
        return;
    at += strlen(field);
    at += strspn(at, " ");
    while (n < DEB_FIELD_MAX - 1 && at[n] >= ' ' && at[n] < 0x7f) {
        ret[n] = at[n];
        n++;
    }
    ret[n] = '\0';
}

/* Finds FIELDs of the control file: which architecture, and what else it needs. */
static int read_control(const struct source *member, char **ret_control, char **ret_why)
{
    _cleanup_(cleanup_reader) struct reader *reader = NULL;
    struct tar_entry entry;

    int r = open_tar(member, &reader, ret_why);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < DEB_ENTRIES_MAX && (r = tar_next(reader, &entry, ret_why)) > 0; i++) {
        if (entry.type == '0' &&
            (strcmp(entry.name, "./control") == 0 || strcmp(entry.name, "control") == 0))
            return take_text(reader, &entry, DEB_CONTROL_MAX, ret_control, ret_why);
        r = tar_pass(reader, &entry, -EBADF, ret_why);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : damaged(member, "it has no control file", ret_why);
}

static bool matches(const char *name, const char *const patterns[static 3])
{
    name += has_prefix(name, "./") ? 2 : 0;
    for (size_t i = 0; i < 3; i++) {
        if (fnmatch(patterns[i], name, FNM_PATHNAME) == 0)
            return true;
    }
    return false;
}

/* The first kernel and the first configuration. KERNEL keeps size 0 where there is none. */
static int read_data(const struct source *member, struct source *kernel, char **config,
                     char **ret_why)
{
    static const char *const kernels[] = {"boot/vmlinuz-*", "lib/modules/*/vmlinuz",
                                          "usr/lib/modules/*/vmlinuz"};
    static const char *const configs[] = {"boot/config-*", "lib/modules/*/config",
                                          "usr/lib/modules/*/config"};
    _cleanup_(cleanup_reader) struct reader *reader = NULL;
    struct tar_entry entry;

    int r = open_tar(member, &reader, ret_why);
    if (r < 0)
        return r;
    /* What follows once both are here are modules: they are not even unpacked. */
    for (unsigned i = 0; i < DEB_ENTRIES_MAX && (kernel->size == 0 || !*config); i++) {
        r = tar_next(reader, &entry, ret_why);
        if (r <= 0)
            return r;
        if (entry.type == '0' && entry.size > 0 && kernel->size == 0 &&
            matches(entry.name, kernels))
            r = take_file(reader, &entry, IMPORT_VMLINUX_MAX, kernel, ret_why);
        else if (entry.type == '0' && entry.size > 0 && !*config && matches(entry.name, configs))
            r = take_text(reader, &entry, IMPORT_CONFIG_MAX, config, ret_why);
        else
            r = tar_pass(reader, &entry, -EBADF, ret_why);
        if (r < 0)
            return r;
    }
    return 0;
}

/* linux-image-cloud-amd64 and the like only depend on the one that has the kernel, and since 7.3
 * so does linux-image-VERSION-amd64: linux-binary-VERSION-amd64 has it. */
static int no_kernel(const struct source *source, const char *control, char **ret_why)
{
    char package[DEB_FIELD_MAX], depends[DEB_FIELD_MAX];

    control_field(control, "Package:", package);
    control_field(control, "Depends:", depends);
    if (has_prefix(package, "linux-") && depends[0])
        return why(ret_why, -ENOEXEC,
                   "%s: the package %s has no kernel in it (boot/vmlinuz-…); one of those that it "
                   "depends on may have "
                   "it: %s",
                   source->name, package, depends);
    return why(ret_why, -ENOEXEC,
               "%s: the package %s has no kernel in it (boot/vmlinuz-…); linux-image-VERSION-amd64 "
               "has, or linux-binary-VERSION-amd64, since Debian's 7.3",
               source->name, package);
}

int format_deb(const struct source *source, struct kernel_import *ret, char **ret_why)
{
    _cleanup_free_ char *control = NULL;
    char architecture[DEB_FIELD_MAX];
    struct source kernel = {.fd = -EBADF};
    struct deb deb = {0};

    int r = find_members(source, &deb, ret_why);
    if (r < 0)
        return r;
    r = read_control(&deb.control, &control, ret_why);
    if (r < 0)
        return r;
    control_field(control, "Architecture:", architecture);
    if (!architecture[0])
        return damaged(source, "its control file names no architecture", ret_why);
    if (strcmp(architecture, "amd64") != 0)
        return why(ret_why, -ENOEXEC, "%s: a package for %s; Volt's guests are amd64", source->name,
                   architecture);
    r = read_data(&deb.data, &kernel, &ret->config, ret_why);
    if (r == 0)
        r = kernel.size > 0 ? format_kernel(&kernel, ret, ret_why)
                            : no_kernel(source, control, ret_why);
    (void)close_fd(kernel.fd);
    ret->format = "deb";
    return r;
}
