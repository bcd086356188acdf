/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of settings: the vendor's, and the host's, which win. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "generator/suffix.h"
#include "tools/kernel/build-settings.h"
#include "tools/kernel/source.h"
#include "tools/kernel/why.h"

#define SUFFIX ".config"

enum { FILES_MAX = 256, FILE_SIZE_MAX = 256 << 10 };

/* The names of all files, sorted; of what is in both directories, the host's counts. */
struct names {
    char *items[FILES_MAX];
    size_t count;
};

static void names_done(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
}

static int add_name(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return 0;
    if (names->count == FILES_MAX)
        return -E2BIG;
    names->items[names->count] = strdup(name);
    return names->items[names->count] ? (names->count++, 0) : -ENOMEM;
}

static int add_names(struct names *names, const char *root, const char *path, char **ret_why)
{
    char full[PATH_MAX];
    const struct dirent *entry;
    int r = 0;

    (void)snprintf(full, sizeof(full), "%s%s", root, path);
    DIR *dir = opendir(full);
    if (!dir && errno == ENOENT)
        return 0;
    while (dir && r >= 0 && (errno = 0, entry = readdir(dir)))
        if (entry->d_name[0] != '.' && has_suffix(entry->d_name, SUFFIX))
            r = add_name(names, entry->d_name);
    if (r >= 0)
        r = -errno;
    if (dir)
        (void)closedir(dir);
    return r < 0 ? why(ret_why, r, "cannot read %s: %s", full, strerror(-r)) : 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A link to /dev/null stands for nothing, so that the host can mask what the vendor has. */
static int read_file(const char *path, const char *name, struct build_settings *settings,
                     char **ret_why)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    _cleanup_free_ char *text = NULL;
    struct source source;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return why(ret_why, -errno, "cannot open %s: %s", path, strerror(errno));
    if (S_ISCHR(st.st_mode))
        return 0;
    int r = source_open(fd, path, FILE_SIZE_MAX, &source, ret_why);
    if (r >= 0)
        r = source_text(&source, &text, ret_why);
    if (r < 0)
        return r;
    if (strlen(text) != source.size)
        return why(ret_why, -EINVAL, "%s: a NUL character", path);
    settings->n_files++;
    return build_settings_parse(settings, name, text, ret_why);
}

static int read_named(const char *root, const char *name, struct build_settings *settings,
                      char **ret_why)
{
    static const char *const layers[] = {BUILD_SETTINGS_LOCAL, BUILD_SETTINGS_VENDOR};
    char path[PATH_MAX];

    for (size_t i = 0; i < ELEMENTSOF(layers); i++) {
        (void)snprintf(path, sizeof(path), "%s%s/%s", root, layers[i], name);
        if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return read_file(path, name, settings, ret_why);
    }
    return 0; /* gone meanwhile */
}

/* Comments may change and the kernel is the same. */
static int digest(struct build_settings *settings)
{
    _cleanup_free_ char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return -ENOMEM;
    for (size_t i = 0; i < settings->count; i++)
        (void)fprintf(f, "%s %u %u\n", settings->items[i].line, settings->items[i].since,
                      settings->items[i].before);
    if (fclose(f) != 0)
        return -ENOMEM;
    sha256_memory(text, size, settings->sha256);
    return 0;
}

int build_settings_read(const char *root, struct build_settings *ret, char **ret_why)
{
    _cleanup_(names_done) struct names names = {0};

    *ret = (struct build_settings){0};
    int r = add_names(&names, root, BUILD_SETTINGS_LOCAL, ret_why);
    if (r >= 0)
        r = add_names(&names, root, BUILD_SETTINGS_VENDOR, ret_why);
    qsort(names.items, names.count, sizeof(names.items[0]), compare);
    for (size_t i = 0; i < names.count && r >= 0; i++)
        r = read_named(root, names.items[i], ret, ret_why);
    if (r < 0)
        return r;
    if (ret->count == 0)
        return why(ret_why, -ENOENT, "there are no settings in %s%s or %s", root,
                   BUILD_SETTINGS_VENDOR, BUILD_SETTINGS_LOCAL);
    return digest(ret);
}
