/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a kernel's source is, and which one it is. */
#include "tools/kernel/build-source.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "generator/suffix.h"
#include "tools/kernel/why.h"

#define SOURCES "/usr/src"
#define PACKAGE "linux-source"
#define SUFFIX  ".tar.xz"

enum { SHOWN_MAX = 60 };

/* Whether NAME is linux-source-VERSION.tar.xz. */
static bool is_package_tarball(const char *name)
{
    size_t prefix = strlen(PACKAGE "-");

    return strncmp(name, PACKAGE "-", prefix) == 0 && has_suffix(name + prefix, SUFFIX);
}

static int find_newest(const char *root, char path[static PATH_MAX], char **ret_why)
{
    _cleanup_free_ char *newest = NULL;
    const struct dirent *entry;

    (void)snprintf(path, PATH_MAX, "%s" SOURCES, root);
    DIR *dir = opendir(path);
    while (dir && (entry = readdir(dir)))
        if (is_package_tarball(entry->d_name) &&
            (!newest || strverscmp(entry->d_name, newest) > 0)) {
            free(newest);
            newest = strdup(entry->d_name);
        }
    if (dir)
        (void)closedir(dir);
    if (!newest)
        return why(ret_why, -ENOENT,
                   "there is no kernel source in " SOURCES "; on Debian: apt install linux-source");
    (void)snprintf(path, PATH_MAX, "%s" SOURCES "/%s", root, newest);
    return 0;
}

static int find_package(const char *root, const char *name, char path[static PATH_MAX],
                        char **ret_why)
{
    if (strcmp(name, PACKAGE) == 0)
        return find_newest(root, path, ret_why);
    (void)snprintf(path, PATH_MAX, "%s" SOURCES "/%s" SUFFIX, root, name);
    if (access(path, F_OK) == 0)
        return 0;
    return why(ret_why, -ENOENT,
               "%s is not installed (there is no " SOURCES "/%s" SUFFIX
               "); on Debian: apt install %s",
               name, name, name);
}

/* What a directory is called after it: no blank, and not too long. */
static void set_name(struct build_source *source)
{
    const char *base = strrchr(source->path, '/') + 1;
    size_t n = strlen(base);

    (void)snprintf(source->name, sizeof(source->name), "%.*s", SHOWN_MAX, base);
    if (!source->is_tree && n < sizeof(source->name) && has_suffix(base, SUFFIX))
        source->name[n - strlen(SUFFIX)] = '\0';
    for (char *p = source->name; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '-' && (*p != '.' || p == source->name))
            *p = '_';
}

static int digest(struct build_source *source, int fd)
{
    uint8_t sha256[SHA256_SIZE];
    int r = 0;

    if (source->is_tree)
        sha256_memory(source->path, strlen(source->path), sha256);
    else
        r = sha256_file(fd, sha256);
    if (r >= 0)
        sha256_format(sha256, source->digest);
    return r;
}

int build_source_find(const char *root, const char *name, struct build_source *ret, char **ret_why)
{
    _cleanup_close_ int fd = -EBADF;
    char path[PATH_MAX];
    struct stat st;
    int r = 0;

    *ret = (struct build_source){0};
    if (!name)
        r = find_newest(root, path, ret_why);
    else if (!strchr(name, '/') && strncmp(name, PACKAGE, strlen(PACKAGE)) == 0 &&
             access(name, F_OK) < 0)
        r = find_package(root, name, path, ret_why);
    else
        (void)snprintf(path, sizeof(path), "%s", name);
    if (r < 0)
        return r;
    fd = realpath(path, ret->path) ? open(ret->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (fd < 0 || fstat(fd, &st) < 0)
        return why(ret_why, -errno, "cannot open %s: %s", path, strerror(errno));
    ret->is_tree = S_ISDIR(st.st_mode);
    if (!ret->is_tree && !S_ISREG(st.st_mode))
        return why(ret_why, -EINVAL, "%s is neither a tarball nor a directory", path);
    /* make(1) takes these for its own. */
    if (strpbrk(ret->path, ": \t\n$#%\\"))
        return why(ret_why, -EINVAL,
                   "%s: make cannot build from a path with a blank or one of "
                   ":$#%%\\ in it",
                   ret->path);
    set_name(ret);
    r = digest(ret, fd);
    return r < 0 ? why(ret_why, r, "cannot read %s: %s", path, strerror(-r)) : 0;
}

/* "KEY = VALUE" of the Makefile's first lines; "" where it is empty. */
static bool take_value(const char *line, const char *key, char *ret, size_t size)
{
    size_t n = strlen(key);

    if (strncmp(line, key, n) != 0)
        return false;
    line += n + strspn(line + n, " \t");
    if (*line++ != '=')
        return false;
    line += strspn(line, " \t");
    (void)snprintf(ret, size, "%.*s", (int)strcspn(line, " \t\n"), line);
    return true;
}

int build_source_version(const char *dir, char ret[static 64], unsigned *ret_version,
                         char **ret_why)
{
    enum { MAJOR, MINOR, PATCH, EXTRA, KEYS };
    static const char *const keys[] = {"VERSION", "PATCHLEVEL", "SUBLEVEL", "EXTRAVERSION"};
    char values[KEYS][16] = {0}, line[256], path[PATH_MAX + 16], *end_major, *end_minor;
    unsigned found = 0;

    (void)snprintf(path, sizeof(path), "%s/Makefile", dir);
    _cleanup_fclose_ FILE *f = fopen(path, "re");
    for (unsigned n = 0; f && n < 20 && fgets(line, sizeof(line), f); n++)
        for (unsigned i = 0; i < KEYS; i++)
            if (take_value(line, keys[i], values[i], sizeof(values[i])))
                found |= 1u << i;
    unsigned long major = strtoul(values[MAJOR], &end_major, 10),
                  minor = strtoul(values[MINOR], &end_minor, 10);
    if ((found & 7) != 7 || *end_major || *end_minor || major > 99 || minor > 999)
        return why(ret_why, -EINVAL, "%s is not the Makefile of a kernel's source", path);
    (void)snprintf(ret, 64, "%s.%s.%s%s", values[MAJOR], values[MINOR], values[PATCH],
                   values[EXTRA]);
    *ret_version = (unsigned)(major << 16 | minor);
    return 0;
}
