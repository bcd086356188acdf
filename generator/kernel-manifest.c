// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the files of a managed kernel were when it was added. */
#include "generator/kernel-manifest.h"

#include <stdarg.h>
#include <string.h>

const char *const kernel_file_names[KERNEL_FILES] = {
    [KERNEL_VMLINUX] = "vmlinux",
    [KERNEL_INITRD] = "initrd",
    [KERNEL_CMDLINE] = "cmdline",
    [KERNEL_CONFIG] = "config",
};

static const char *const key_prefixes[KERNEL_FILES] = {
    [KERNEL_VMLINUX] = "VMLINUX_",
    [KERNEL_INITRD] = "INITRD_",
    [KERNEL_CMDLINE] = "CMDLINE_",
    [KERNEL_CONFIG] = "CONFIG_",
};

/* What was said of a file, by bit. */
enum { SAID_SHA256 = 1, SAID_SIZE = 2, SAID_MTIME = 4, SAID_VERITY = 8 };
enum { SAID_NEEDED = SAID_SHA256 | SAID_SIZE | SAID_MTIME };

struct reader {
    struct kernel_manifest manifest;
    unsigned said[KERNEL_FILES];
    unsigned line;
    char **ret_why;
};

static int fail(struct reader *reader, const char *format, ...) _printf_(2, 3);

static int fail(struct reader *reader, const char *format, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    va_end(ap);
    if (!text || (reader->line > 0 ? asprintf(reader->ret_why, "line %u: %s", reader->line, text)
                                   : asprintf(reader->ret_why, "%s", text)) < 0)
        *reader->ret_why = NULL;
    return -EINVAL;
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

/* Digits only; fewer than 19, so that nothing overflows. */
static bool read_number(const char *text, size_t length, uint64_t *ret)
{
    uint64_t value = 0;

    if (length == 0 || length > 18)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *ret = value;
    return true;
}

/* SECONDS.NANOSECONDS, of which the latter are nine digits */
static bool read_time(const char *text, struct timespec *ret)
{
    size_t length = strspn(text, "0123456789");
    uint64_t seconds, nanoseconds;

    if (text[length] != '.' || !read_number(text, length, &seconds) ||
        strlen(text + length + 1) != 9 || !read_number(text + length + 1, 9, &nanoseconds))
        return false;
    *ret = (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)nanoseconds};
    return true;
}

static int take_text(struct reader *reader, const char *key, const char *value, char *to,
                     size_t size)
{
    if (*to)
        return fail(reader, "%s is there twice", key);
    if (!*value || strlen(value) >= size)
        return fail(reader, "%s has %s", key, *value ? "a value that is too long" : "no value");
    memcpy(to, value, strlen(value) + 1);
    return 0;
}

static int take_file(struct reader *reader, enum kernel_file file, const char *key,
                     const char *value)
{
    struct kernel_file_entry *entry = &reader->manifest.files[file];
    const char *what = key + strlen(key_prefixes[file]);
    unsigned bit;
    bool good;

    if (!strcmp(what, "SHA256")) {
        bit = SAID_SHA256;
        good = sha256_parse(value, entry->sha256) >= 0;
    } else if (!strcmp(what, "SIZE")) {
        bit = SAID_SIZE;
        good =
            read_number(value, strlen(value), &entry->size) && entry->size <= KERNEL_FILE_SIZE_MAX;
    } else if (!strcmp(what, "MTIME")) {
        bit = SAID_MTIME;
        good = read_time(value, &entry->mtime);
    } else if (!strcmp(what, "VERITY")) {
        bit = SAID_VERITY;
        good = *value && strlen(value) < sizeof(entry->verity);
        if (good)
            memcpy(entry->verity, value, strlen(value) + 1);
    } else {
        return 0;
    }
    if (reader->said[file] & bit)
        return fail(reader, "%s is there twice", key);
    reader->said[file] |= bit;
    return good ? 0 : fail(reader, "'%.80s' is no value of %s", value, key);
}

static int take_line(struct reader *reader, char *line)
{
    struct kernel_manifest *manifest = &reader->manifest;
    char *value = strchr(line, '=');

    if (!*line || *line == '#')
        return 0;
    if (!is_printable(line))
        return fail(reader, "a character that is not printable");
    if (!value || value == line)
        return fail(reader, "'%.80s' is no KEY=VALUE", line);
    *value++ = '\0';
    if (!strcmp(line, "VERSION"))
        return strchr(value, ' ')
                   ? fail(reader, "VERSION has a blank")
                   : take_text(reader, line, value, manifest->version, KERNEL_VERSION_SIZE);
    if (!strcmp(line, "FORMAT"))
        return take_text(reader, line, value, manifest->format, KERNEL_FORMAT_SIZE);
    if (!strcmp(line, "SOURCE"))
        return take_text(reader, line, value, manifest->source, KERNEL_SOURCE_SIZE);
    if (!strcmp(line, "ADDED"))
        return take_text(reader, line, value, manifest->added, KERNEL_ADDED_SIZE);
    for (unsigned i = 0; i < KERNEL_FILES; i++)
        if (!strncmp(line, key_prefixes[i], strlen(key_prefixes[i])))
            return take_file(reader, i, line, value);
    return 0;
}

/* What must be there. */
static int check(struct reader *reader)
{
    struct kernel_manifest *manifest = &reader->manifest;

    reader->line = 0;
    if (!manifest->version[0])
        return fail(reader, "there is no VERSION");
    for (unsigned i = 0; i < KERNEL_FILES; i++) {
        manifest->files[i].there = reader->said[i] != 0;
        if (reader->said[i] && (reader->said[i] & SAID_NEEDED) != SAID_NEEDED)
            return fail(reader, "not all of %sSHA256, %sSIZE and %sMTIME are there",
                        key_prefixes[i], key_prefixes[i], key_prefixes[i]);
    }
    if (!manifest->files[KERNEL_VMLINUX].there)
        return fail(reader, "there is no VMLINUX_SHA256");
    return 0;
}

int kernel_manifest_read(const char *text, size_t size, struct kernel_manifest *ret, char **ret_why)
{
    struct reader reader = {.ret_why = ret_why};
    _cleanup_free_ char *copy = NULL;
    char *rest, *line;
    int r = 0;

    if (size > KERNEL_MANIFEST_MAX)
        return fail(&reader, "it has more than %d bytes", KERNEL_MANIFEST_MAX);
    if (memchr(text, '\0', size))
        return fail(&reader, "it has a zero byte");
    copy = strndup(text, size);
    if (!copy)
        return -ENOMEM;
    rest = copy;
    while (r >= 0 && (line = strsep(&rest, "\n"))) {
        reader.line++;
        r = take_line(&reader, line);
    }
    if (r >= 0)
        r = check(&reader);
    if (r >= 0)
        *ret = reader.manifest;
    return r;
}

static void write_text(FILE *f, const char *key, const char *value)
{
    if (*value)
        (void)fprintf(f, "%s=%s\n", key, value);
}

void kernel_manifest_write(FILE *f, const struct kernel_manifest *manifest)
{
    (void)fputs("# What volt-kernel(8) added: `volt-kernel verify` holds the files against it.\n",
                f);
    write_text(f, "VERSION", manifest->version);
    write_text(f, "FORMAT", manifest->format);
    write_text(f, "SOURCE", manifest->source);
    write_text(f, "ADDED", manifest->added);
    for (unsigned i = 0; i < KERNEL_FILES; i++) {
        const struct kernel_file_entry *entry = &manifest->files[i];
        char digest[SHA256_TEXT_SIZE];

        if (!entry->there)
            continue;
        sha256_format(entry->sha256, digest);
        (void)fprintf(f, "%sSHA256=%s\n%sSIZE=%llu\n%sMTIME=%lld.%09ld\n", key_prefixes[i], digest,
                      key_prefixes[i], (unsigned long long)entry->size, key_prefixes[i],
                      (long long)entry->mtime.tv_sec, entry->mtime.tv_nsec);
        if (entry->verity[0])
            (void)fprintf(f, "%sVERITY=%s\n", key_prefixes[i], entry->verity);
    }
}

void kernel_manifest_set(char *to, size_t size, const char *text)
{
    size_t i = 0;

    for (; text[i] && i + 1 < size; i++)
        to[i] = text[i];
    to[i] = '\0';
    for (char *p = to; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
}
