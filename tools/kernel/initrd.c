/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks into an initrd as Linux does (Documentation/driver-api/early-userspace/buffer-format.rst):
 * cpio archives in the "newc" format, one after the other, zeros between them, packed or not. Only
 * names are kept. */
#include "tools/kernel/initrd.h"

#include <string.h>
#include <sys/stat.h>

#include "tools/kernel/reader.h"
#include "tools/kernel/why.h"

enum {
    CPIO_HEADER = 110,
    CPIO_MAGIC = 6,
    CPIO_NAME_MAX = 4096,
    CPIO_MODE = 1, /* which of the fields of 8 hexadecimal digits */
    CPIO_FILE_SIZE = 6,
    CPIO_NAME_SIZE = 11,
    INITRD_MODULES_MAX = 64,
    INITRD_PARTS_MAX = 1024,
    INITRD_BUILTIN_MAX = 1 << 20,
};

struct scan {
    struct source source;
    const char *version; /* NULL: any */
    char *names[INITRD_MODULES_MAX];
    bool found[INITRD_MODULES_MAX];
    size_t count;
    uint64_t entries, unpacked;
};

struct cpio_entry {
    char name[CPIO_NAME_MAX + 1];
    uint32_t mode, size;
};

static int damaged(const struct scan *scan, const char *what, char **ret_why)
{
    return why(ret_why, -EBADMSG, "%s: an initrd that is damaged or cut off: %s", scan->source.name,
               what);
}

/* A module's name: the last part of its path without .ko and what packs it; "-" is "_". */
static void scan_name(struct scan *scan, const char *path, size_t size)
{
    const char *slash = memrchr(path, '/', size);
    const char *base = slash ? slash + 1 : path,
               *ko = memmem(base, (size_t)(path + size - base), ".ko", 3);
    size_t rest = ko ? (size_t)(path + size - ko) - 3 : 0;

    if (!ko || (rest > 0 && ko[3] != '.'))
        return;
    for (size_t i = 0; i < scan->count; i++) {
        const char *name = scan->names[i];
        const char *p = base;
        while (p < ko && *name && (*p == *name || (*p == '-' && *name == '_'))) {
            p++;
            name++;
        }
        scan->found[i] |= p == ko && !*name;
    }
}

/* What comes after "lib/modules/VERSION/" in PATH; NULL: it is not there, or for another kernel. */
static const char *below_modules(const struct scan *scan, const char *path)
{
    static const char directory[] = "lib/modules/";
    const char *at = strstr(path, directory);

    if (!at || (at != path && at[-1] != '/'))
        return NULL;
    at += sizeof(directory) - 1;
    size_t n = strcspn(at, "/");
    if (at[n] != '/' ||
        (scan->version && (strlen(scan->version) != n || strncmp(at, scan->version, n) != 0)))
        return NULL;
    return at + n + 1;
}

static bool parse_hex(const char *text, uint32_t *ret)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < 8; i++) {
        char c = text[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 16;
        if (digit == 16)
            return false;
        value = value << 4 | digit;
    }
    *ret = value;
    return true;
}

static int pass_padding(struct reader *reader, uint64_t begun, char **ret_why)
{
    uint64_t odd = (reader->taken - begun) % 4;

    return reader_pass(reader, odd ? 4 - odd : 0, -EBADF, ret_why);
}

/* Header, name and the padding behind it. 1; 0: the end of the archive, by its last entry or of
 * all. */
static int next_entry(struct scan *scan, struct reader *reader, uint64_t begun,
                      struct cpio_entry *ret, char **ret_why)
{
    char header[CPIO_HEADER];
    uint32_t name_size;

    int r = reader_take(reader, header, sizeof(header), ret_why);
    if (r <= 0)
        return r;
    if (memcmp(header, "070701", CPIO_MAGIC) != 0 && memcmp(header, "070702", CPIO_MAGIC) != 0)
        return damaged(scan, "what is in it is no cpio archive in the \"newc\" format", ret_why);
    if (!parse_hex(header + CPIO_MAGIC + CPIO_MODE * 8, &ret->mode) ||
        !parse_hex(header + CPIO_MAGIC + CPIO_FILE_SIZE * 8, &ret->size) ||
        !parse_hex(header + CPIO_MAGIC + CPIO_NAME_SIZE * 8, &name_size) || name_size == 0 ||
        name_size > CPIO_NAME_MAX)
        return damaged(scan, "a cpio header in it makes no sense", ret_why);
    r = reader_take(reader, ret->name, name_size, ret_why);
    if (r < 0)
        return r;
    if (r == 0 || ret->name[name_size - 1] != '\0')
        return damaged(scan, "a name in it has no end", ret_why);
    if (++scan->entries > INITRD_ENTRIES_MAX)
        return why(ret_why, -EFBIG, "%s: an initrd with more than %llu files", scan->source.name,
                   (unsigned long long)INITRD_ENTRIES_MAX);
    r = pass_padding(reader, begun, ret_why);
    if (r < 0)
        return r;
    return strcmp(ret->name, "TRAILER!!!") != 0;
}

/* modules.builtin: paths of what would be modules, one a line. */
static int scan_builtin(struct scan *scan, struct reader *reader, uint32_t size, char **ret_why)
{
    _cleanup_free_ char *text = malloc(size);

    if (!text)
        return why(ret_why, -ENOMEM, "Out of memory");
    int r = reader_take(reader, text, size, ret_why);
    if (r < 0)
        return r;
    if (r == 0)
        return damaged(scan, "a file in it has no end", ret_why);
    for (char *line = text; line < text + size;) {
        char *end = memchr(line, '\n', (size_t)(text + size - line));
        end = end ? end : text + size;
        scan_name(scan, line, (size_t)(end - line));
        line = end + 1;
    }
    return 0;
}

/* One archive, which begins in READER where it is. */
static int scan_archive(struct scan *scan, struct reader *reader, char **ret_why)
{
    _cleanup_free_ struct cpio_entry *entry = malloc(sizeof(*entry));
    uint64_t begun = reader->taken;
    int r;

    if (!entry)
        return why(ret_why, -ENOMEM, "Out of memory");
    while ((r = next_entry(scan, reader, begun, entry, ret_why)) > 0) {
        const char *below = below_modules(scan, entry->name);
        uint32_t size = entry->size;

        if (below && (S_ISREG(entry->mode) || S_ISLNK(entry->mode)))
            scan_name(scan, below, strlen(below));
        if (below && strcmp(below, "modules.builtin") == 0 && size > 0 &&
            size <= INITRD_BUILTIN_MAX) {
            r = scan_builtin(scan, reader, size, ret_why);
            size = 0;
        }
        if (r >= 0)
            r = reader_pass(reader, size, -EBADF, ret_why);
        if (r >= 0)
            r = pass_padding(reader, begun, ret_why);
        if (r < 0)
            return r;
    }
    return r;
}

/* One part of the initrd: an archive as it is, or packed archives. *OFFSET goes to what follows it.
 */
static int scan_part(struct scan *scan, uint64_t *offset, bool packed, char **ret_why)
{
    _cleanup_(cleanup_reader) struct reader *reader = NULL;
    uint64_t max = INITRD_UNPACKED_MAX - scan->unpacked;
    struct unpack *unpack = NULL;
    struct source rest;

    (void)source_range(&scan->source, *offset, scan->source.size - *offset, &rest);
    int r = packed ? unpack_new(&rest, max, &unpack, ret_why)
                   : unpack_new_stored(&rest, max, &unpack, ret_why);
    if (r < 0)
        return r;
    reader = reader_new(unpack, scan->source.name);
    if (!reader)
        return why(ret_why, -ENOMEM, "Out of memory");
    do {
        r = scan_archive(scan, reader, ret_why);
        if (r >= 0 && packed)
            r = reader_pass_zeros(reader, ret_why);
    } while (r > 0 && packed);
    if (r < 0)
        return r;
    if (reader->taken == 0) /* lz4 has no end that could be missing */
        return damaged(scan, "nothing is packed in it", ret_why);
    *offset += packed ? unpack_consumed(unpack) : reader->taken;
    scan->unpacked += reader->taken;
    return 0;
}

/* Where the next part begins after zeros; the size of the file where there is none. */
static int find_part(const struct scan *scan, uint64_t *offset, char **ret_why)
{
    uint8_t buffer[4096];

    while (*offset < scan->source.size) {
        uint64_t left = scan->source.size - *offset;
        size_t n = left < sizeof(buffer) ? (size_t)left : sizeof(buffer), i = 0;
        int r = source_read(&scan->source, *offset, buffer, n);
        if (r < 0)
            return why(ret_why, r, "%s: cannot read it: %s", scan->source.name, strerror(-r));
        while (i < n && buffer[i] == 0)
            i++;
        *offset += i;
        if (i < n)
            break;
    }
    return 0;
}

static int scan_all(struct scan *scan, char **ret_why)
{
    uint64_t offset = 0;
    int r = 0;

    /* To its end, also when all is found: what is damaged is told of when it is added, not at boot.
     */
    for (unsigned parts = 0; r == 0; parts++) {
        char magic[CPIO_MAGIC] = {0};

        r = find_part(scan, &offset, ret_why);
        if (r < 0 || offset == scan->source.size)
            return r < 0 || parts > 0 ? r : damaged(scan, "it has nothing but zeros", ret_why);
        if (parts == INITRD_PARTS_MAX)
            return why(ret_why, -EFBIG, "%s: an initrd of more than %d archives", scan->source.name,
                       INITRD_PARTS_MAX);
        if (scan->source.size - offset >= CPIO_MAGIC)
            (void)source_read(&scan->source, offset, magic, CPIO_MAGIC);
        r = scan_part(scan, &offset, memcmp(magic, "07070", 5) != 0, ret_why);
        if (r == -ENOEXEC) /* what is packed in no way that is known */
            r = -EBADMSG;
    }
    return r;
}

/* The names one a line become an array, which points into TEXT. */
static int split_modules(struct scan *scan, char *text)
{
    char *saved = NULL;

    for (char *name = strtok_r(text, "\n", &saved); name; name = strtok_r(NULL, "\n", &saved)) {
        if (scan->count == INITRD_MODULES_MAX)
            return -E2BIG;
        scan->names[scan->count++] = name;
    }
    return 0;
}

static int write_missing(const struct scan *scan, char **ret_missing)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    bool first = true;

    if (!f)
        return -ENOMEM;
    for (size_t i = 0; i < scan->count; i++) {
        if (!scan->found[i])
            (void)fprintf(f, "%s%s", first ? "" : "\n", scan->names[i]);
        first = first && scan->found[i];
    }
    if (fclose(f) != 0)
        return -ENOMEM;
    *ret_missing = first ? NULL : TAKE_PTR(text);
    return 0;
}

int initrd_has_modules(int fd, const char *name, const char *modules, const char *version,
                       char **ret_missing, char **ret_why)
{
    _cleanup_free_ char *names = strdup(modules);
    struct scan scan = {.version = version};

    int r = names ? split_modules(&scan, names) : -ENOMEM;
    if (r < 0)
        return why(ret_why, r, "%s: cannot look for its modules: %s", name, strerror(-r));
    r = source_open(fd, name, INITRD_INPUT_MAX, &scan.source, ret_why);
    if (r < 0)
        return r;
    r = scan_all(&scan, ret_why);
    if (r < 0)
        return r;
    r = write_missing(&scan, ret_missing);
    return r < 0 ? why(ret_why, r, "Out of memory") : 0;
}
