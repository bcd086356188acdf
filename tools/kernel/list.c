/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volt-kernel list and show. */
#include <string.h>

#include "tools/kernel/command.h"
#include "tools/kernel/listing.h"

enum { SIZE_TEXT = 16, TIME_TEXT = sizeof("2026-11-23 07:10") };

static void format_size(uint64_t size, char text[static SIZE_TEXT])
{
    if (size == 0)
        (void)snprintf(text, SIZE_TEXT, "-");
    else if (size < 10 << 10)
        (void)snprintf(text, SIZE_TEXT, "%lluB", (unsigned long long)size);
    else if (size < 1 << 20)
        (void)snprintf(text, SIZE_TEXT, "%.1fK", (double)size / 1024);
    else
        (void)snprintf(text, SIZE_TEXT, "%.1fM", (double)size / (1 << 20));
}

/* 2026-11-23T07:10:07Z to the minute. */
static void format_added(const char *added, char text[static TIME_TEXT])
{
    (void)snprintf(text, TIME_TEXT, "%.*s", TIME_TEXT - 1, *added ? added : "-");
    if (text[10] == 'T')
        text[10] = ' ';
}

static const char *version_of(const struct listed_kernel *kernel)
{
    switch (kernel->state) {
    case KERNEL_MANAGED:
        return kernel->manifest.version;
    case KERNEL_BY_HAND:
        return "(made by hand)";
    case KERNEL_MASKED:
        return "(masked)";
    case KERNEL_BROKEN:
        break;
    }
    return *kernel->link ? "(link)" : "(broken)";
}

/* Printable ASCII, as names and manifests are: only two characters mean something. */
static void print_json(const char *key, const char *value)
{
    (void)printf("\"%s\":", key);
    if (!value || !*value) {
        (void)fputs("null", stdout);
        return;
    }
    (void)putchar('"');
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            (void)putchar('\\');
        (void)putchar(*value);
    }
    (void)putchar('"');
}

static void print_json_files(const struct kernel_manifest *manifest)
{
    const char *comma = "";

    (void)fputs(",\"files\":{", stdout);
    for (unsigned i = 0; i < KERNEL_FILES; i++) {
        const struct kernel_file_entry *entry = &manifest->files[i];
        char digest[SHA256_TEXT_SIZE];

        if (!entry->there)
            continue;
        sha256_format(entry->sha256, digest);
        (void)printf("%s\"%s\":{\"size\":%llu,\"sha256\":\"%s\",", comma, kernel_file_names[i],
                     (unsigned long long)entry->size, digest);
        print_json("verity", entry->verity);
        (void)putchar('}');
        comma = ",";
    }
    (void)putchar('}');
}

static void print_json_users(const struct kernel_users *users, const char *kernel)
{
    const char *comma = "";

    (void)fputs(",\"vms\":[", stdout);
    for (size_t i = 0; i < users->count; i++) {
        if (strcmp(users->items[i].kernel, kernel) != 0 || users->items[i].unknown)
            continue;
        (void)printf("%s{", comma);
        print_json("name", users->items[i].vm);
        (void)printf(",\"runs\":%s}", users->items[i].runs ? "true" : "false");
        comma = ",";
    }
    (void)putchar(']');
}

static void print_json_kernel(const struct listed_kernel *kernel, const struct kernel_users *users,
                              bool is_default)
{
    static const char *const states[] = {
        [KERNEL_MANAGED] = "managed",
        [KERNEL_BY_HAND] = "by-hand",
        [KERNEL_MASKED] = "masked",
        [KERNEL_BROKEN] = "broken",
    };
    const struct kernel_manifest *manifest = &kernel->manifest;

    (void)putchar('{');
    print_json("name", kernel->name);
    (void)printf(",\"default\":%s,\"vendor\":%s,", is_default ? "true" : "false",
                 kernel->layer == KERNEL_LAYER_VENDOR ? "true" : "false");
    print_json("state", *kernel->link ? "link" : states[kernel->state]);
    (void)putchar(',');
    print_json("link", kernel->link);
    (void)putchar(',');
    print_json("version", manifest->version);
    (void)putchar(',');
    print_json("format", manifest->format);
    (void)putchar(',');
    print_json("source", manifest->source);
    (void)putchar(',');
    print_json("added", manifest->added);
    print_json_files(manifest);
    print_json_users(users, kernel->name);
    (void)putchar('}');
}

struct widths {
    int name, version;
};

static void print_row(const struct widths *widths, char mark, const struct listed_kernel *kernel,
                      const char *vms)
{
    char size[SIZE_TEXT], added[TIME_TEXT], version[KERNEL_VERSION_SIZE + 4];

    format_size(kernel->vmlinux_size, size);
    format_added(kernel->manifest.added, added);
    (void)snprintf(version, sizeof(version), "%s%s", *kernel->link ? "→ " : "",
                   *kernel->link ? kernel->link : version_of(kernel));
    (void)printf(
        "%c %-*s %-*s %8s  %-6s  %-16s  %-6s  %s\n", mark, widths->name, kernel->name,
        widths->version + (*kernel->link ? 2 : 0), version, size, kernel->has_initrd ? "yes" : "-",
        added, kernel->layer == KERNEL_LAYER_VENDOR ? "vendor" : "local", vms && *vms ? vms : "-");
}

static void print_table(const struct listing *listing, const struct kernel_users *users,
                        const char *the_default)
{
    struct widths widths = {.name = 4, .version = 7};

    for (size_t i = 0; i < listing->count; i++) {
        const struct listed_kernel *kernel = &listing->items[i];
        int name = (int)strlen(kernel->name), version = (int)strlen(version_of(kernel));

        widths.name = name > widths.name ? name : widths.name;
        widths.version = version > widths.version ? version : widths.version;
    }
    (void)printf("  %-*s %-*s %8s  %-6s  %-16s  %-6s  %s\n", widths.name, "NAME", widths.version,
                 "VERSION", "VMLINUX", "INITRD", "ADDED (UTC)", "LAYER", "VMS");
    for (size_t i = 0; i < listing->count; i++) {
        _cleanup_free_ char *vms = kernel_users_text(users, listing->items[i].name);

        print_row(&widths, strcmp(listing->items[i].name, the_default) == 0 ? '*' : ' ',
                  &listing->items[i], vms);
    }
    (void)printf("\n%zu kernel%s; ", listing->count, listing->count == 1 ? "" : "s");
    if (*the_default)
        (void)printf("%s is the default.\n", the_default);
    else
        (void)puts("none is the default.");
}

int command_list(const struct arguments *arguments)
{
    _cleanup_kernel_users_ struct kernel_users users = {0};
    _cleanup_listing_ struct listing listing = {0};
    char the_default[KERNEL_NAME_MAX + 1];
    int r = listing_read(arguments->root, &listing);

    if (r >= 0)
        r = kernel_users_find(arguments->root, &users);
    if (r < 0)
        return complain("cannot list the kernels: %s", strerror(-r));
    find_default(arguments->root, the_default);
    if (!arguments->json) {
        print_table(&listing, &users, the_default);
        return STATUS_DONE;
    }
    (void)putchar('[');
    for (size_t i = 0; i < listing.count; i++) {
        (void)fputs(i > 0 ? ",\n " : "", stdout);
        print_json_kernel(&listing.items[i], &users,
                          strcmp(listing.items[i].name, the_default) == 0);
    }
    (void)puts("]");
    return STATUS_DONE;
}

static void print_line(const char *key, const char *value)
{
    if (value && *value)
        (void)printf("%8s: %s\n", key, value);
}

static void print_files(const struct kernel_manifest *manifest)
{
    for (unsigned i = 0; i < KERNEL_FILES; i++) {
        const struct kernel_file_entry *entry = &manifest->files[i];
        char digest[SHA256_TEXT_SIZE], size[SIZE_TEXT];

        if (!entry->there)
            continue;
        format_size(entry->size, size);
        sha256_format(entry->sha256, digest);
        (void)printf("%8s: %s, sha256 %s%s\n", kernel_file_names[i], size, digest,
                     entry->verity[0] ? ", sealed by fs-verity" : "");
    }
}

static void print_kernel(const struct listed_kernel *kernel, const struct kernel_dir *dir,
                         const struct kernel_users *users, bool is_default)
{
    _cleanup_free_ char *vms = kernel_users_text(users, kernel->name), *cmdline = NULL;
    char path[sizeof(VOLT_VENDOR_KERNEL_DIR) + sizeof(VOLT_KERNEL_DIR) + KERNEL_NAME_MAX + 2];
    size_t size;

    (void)printf("%s - %s%s\n", kernel->name, version_of(kernel),
                 is_default ? " (the default)" : "");
    (void)snprintf(path, sizeof(path), "%s/%s", kernel_layers[kernel->layer], kernel->name);
    print_line("Path", path);
    print_line("Source", kernel->manifest.source);
    print_line("Format", kernel->manifest.format);
    print_line("Added", kernel->manifest.added);
    print_files(&kernel->manifest);
    if (kernel_dir_read(dir, kernel_file_names[KERNEL_CMDLINE], true, KERNEL_MANIFEST_MAX, &cmdline,
                        &size) >= 0) {
        cmdline[strcspn(cmdline, "\n")] = '\0';
        kernel_manifest_set(cmdline, size + 1, cmdline);
        print_line("Words", cmdline);
    }
    print_line("VMs", vms);
}

int command_show(const struct arguments *arguments)
{
    _cleanup_kernel_users_ struct kernel_users users = {0};
    _cleanup_listing_ struct listing listing = {0};
    _cleanup_kernel_dir_ struct kernel_dir dir = {.fd = -EBADF};
    _cleanup_free_ char *why = NULL;
    char the_default[KERNEL_NAME_MAX + 1];
    int r = kernel_store_open(arguments->root, arguments->words[0], &dir, &why);

    if (r < 0)
        return complain("%s", why ? why : strerror(-r));
    r = listing_read(arguments->root, &listing);
    if (r >= 0)
        r = kernel_users_find(arguments->root, &users);
    if (r < 0)
        return complain("cannot list the kernels: %s", strerror(-r));
    find_default(arguments->root, the_default);
    for (size_t i = 0; i < listing.count; i++) {
        const struct listed_kernel *kernel = &listing.items[i];
        bool is_default = strcmp(kernel->name, the_default) == 0;

        if (strcmp(kernel->name, dir.name) != 0)
            continue;
        if (!arguments->json) {
            print_kernel(kernel, &dir, &users, is_default);
            return STATUS_DONE;
        }
        print_json_kernel(kernel, &users, is_default);
        (void)putchar('\n');
        return STATUS_DONE;
    }
    return complain("%s is gone", dir.name);
}
