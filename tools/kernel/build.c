/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps from a kernel's source to an ELF kernel. Each is done whole, or again. */
#include "tools/kernel/build.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/kernel/build-run.h"
#include "tools/kernel/command.h"
#include "tools/kernel/import.h"
#include "tools/kernel/source.h"
#include "tools/kernel/why.h"

enum { DIGITS = 12, ARGUMENTS = 10 };

/* The paths in one directory. */
struct site {
    const struct build *build;
    const struct build_dir *dir;
    struct build_run run;
    char source[PATH_MAX + 16], objects[PATH_MAX + 16];
};

void build_directory_name(const struct build *build, bool again, char *ret, size_t size)
{
    char settings[SHA256_TEXT_SIZE];

    sha256_format(build->settings.sha256, settings);
    (void)snprintf(ret, size, "%s-%.*s-%.*s%s", build->source.name, DIGITS, build->source.digest,
                   DIGITS, settings, again ? "-again" : "");
}

/* Half an unpacked tree has another name. */
static int unpack(struct site *site, char **ret_why)
{
    char to[PATH_MAX + 16];
    const char *const argv[] = {"tar",
                                "--extract",
                                "--file",
                                site->build->source.path,
                                "--directory",
                                to,
                                "--strip-components=1",
                                "--no-same-owner",
                                NULL};

    if (build_dir_has(site->dir, "source"))
        return 0;
    notice("unpacking %s", site->build->source.path);
    (void)fflush(stdout);
    (void)snprintf(to, sizeof(to), "%s/unpacking", site->dir->path);
    int r = build_dir_remove(site->dir, "unpacking", ret_why);
    if (r >= 0)
        r = build_dir_remove(site->dir, "objects", ret_why);
    if (r >= 0 && mkdir(to, 0755) < 0)
        r = why(ret_why, -errno, "cannot make %s: %s", to, strerror(errno));
    if (r >= 0)
        r = build_run(&site->run, argv, ret_why);
    return r < 0 ? r : build_dir_rename(site->dir, "unpacking", "source", ret_why);
}

/* make in the tree, with its objects beside it, for TARGET; MORE: another word, or NULL. */
static int make(struct site *site, const char *target, const char *more, char **ret_why)
{
    char objects[PATH_MAX + 32], jobs[16];
    const char *argv[ARGUMENTS] = {"make", "-C",          site->source,    objects,
                                   jobs,   "ARCH=x86_64", "LOCALVERSION=", target,
                                   more,   NULL};

    (void)snprintf(objects, sizeof(objects), "O=%s", site->objects);
    (void)snprintf(jobs, sizeof(jobs), "-j%u", site->build->jobs);
    return build_run(&site->run, argv, ret_why);
}

static int read_config(const struct site *site, char **ret, char **ret_why)
{
    char path[PATH_MAX + 32];
    struct source source;

    (void)snprintf(path, sizeof(path), "%s/.config", site->objects);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return why(ret_why, -errno, "make left no %s", path);
    int r = source_open(fd, path, IMPORT_CONFIG_MAX, &source, ret_why);
    return r < 0 ? r : source_text(&source, ret, ret_why);
}

/* Whether all of the lines are in effect. */
static int check_config(const struct site *site, const char *config, char **ret_why)
{
    _cleanup_free_ char *missing = NULL;
    int r =
        build_settings_check(&site->build->settings, site->build->linux_version, config, &missing);

    if (r < 0)
        return why(ret_why, r, "no memory");
    if (!missing)
        return 0;
    return why(ret_why, -ENOTSUP,
               "Linux %s does not take these settings: it has not got them, or something that they "
               "need is off. \"# since MAJOR.MINOR:\" or \"# before MAJOR.MINOR:\" behind a "
               "setting says for which versions it counts; a file of the same name in %s, or a "
               "later one, wins:\n%s",
               site->build->version, BUILD_SETTINGS_LOCAL, missing);
}

/* A marker says that this was done, and checked. */
static int configure(struct site *site, char **ret_why)
{
    _cleanup_free_ char *text = NULL, *config = NULL;
    char more[PATH_MAX + 64];
    unsigned count;
    int r = 0;

    if (build_dir_has(site->dir, "objects/.volt-configured"))
        return 0;
    text = build_settings_text(&site->build->settings, site->build->linux_version, &count);
    if (!text)
        return why(ret_why, -ENOMEM, "no memory");
    notice("configuring Linux %s: %u settings of %u files", site->build->version, count,
           site->build->settings.n_files);
    (void)fflush(stdout);
    (void)snprintf(more, sizeof(more), "KCONFIG_ALLCONFIG=%s/settings", site->dir->path);
    if (mkdir(site->objects, 0755) < 0 && errno != EEXIST)
        r = why(ret_why, -errno, "cannot make %s: %s", site->objects, strerror(errno));
    if (r >= 0)
        r = build_dir_write(site->dir, "settings", text, ret_why);
    if (r >= 0)
        r = make(site, "allnoconfig", more, ret_why);
    if (r >= 0)
        r = make(site, "olddefconfig", NULL, ret_why);
    if (r >= 0)
        r = read_config(site, &config, ret_why);
    if (r >= 0)
        r = check_config(site, config, ret_why);
    return r < 0 ? r : build_dir_write(site->dir, "objects/.volt-configured", "", ret_why);
}

/* Without symbols and relocations: what is loaded stays the same, and the file is a third. */
static int strip(struct site *site, char **ret_why)
{
    char from[PATH_MAX + 32], to[PATH_MAX + 32];
    const char *const argv[] = {"objcopy", "--strip-all", "--remove-section=.comment", from,
                                to,        NULL};

    (void)snprintf(from, sizeof(from), "%s/vmlinux", site->objects);
    (void)snprintf(to, sizeof(to), "%s/vmlinux", site->dir->path);
    return build_run(&site->run, argv, ret_why);
}

static int digest(struct build *build, const struct build_dir *dir, char **ret_why)
{
    _cleanup_close_ int fd = openat(dir->fd, "vmlinux", O_RDONLY | O_CLOEXEC);
    int r = fd < 0 ? -errno : sha256_file(fd, build->sha256);

    return r < 0 ? why(ret_why, r, "cannot read %s/vmlinux: %s", dir->path, strerror(-r)) : 0;
}

static int run_steps(struct build *build, struct site *site, char **ret_why)
{
    _cleanup_free_ char *config = NULL;
    int r = configure(site, ret_why);

    if (r < 0)
        return r;
    notice("compiling with %u job%s", build->jobs, build->jobs == 1 ? "" : "s");
    (void)fflush(stdout);
    r = make(site, "vmlinux", NULL, ret_why);
    if (r >= 0)
        r = strip(site, ret_why);
    if (r >= 0)
        r = read_config(site, &config, ret_why);
    if (r >= 0)
        r = build_dir_write(site->dir, "config", config, ret_why);
    return r < 0 ? r : digest(build, site->dir, ret_why);
}

static void site_free(struct site **site)
{
    if (*site)
        build_run_done(&(*site)->run);
    free(*site);
}

static int site_new(const struct build *build, const struct build_dir *dir, struct site **ret,
                    char **ret_why)
{
    _cleanup_(site_free) struct site *site = calloc(1, sizeof(*site));

    if (!site)
        return why(ret_why, -ENOMEM, "no memory");
    site->build = build;
    site->dir = dir;
    (void)snprintf(site->source, sizeof(site->source), "%s%s",
                   build->source.is_tree ? build->source.path : dir->path,
                   build->source.is_tree ? "" : "/source");
    (void)snprintf(site->objects, sizeof(site->objects), "%s/objects", dir->path);
    int r = build_run_open(&site->run, dir->path, dir->fd);
    if (r < 0)
        return why(ret_why, r, "cannot write %s/log: %s", dir->path, strerror(-r));
    *ret = TAKE_PTR(site);
    return 0;
}

int build_begin(struct build *build, const struct build_dir *dir, char **ret_why)
{
    _cleanup_(site_free) struct site *site = NULL;
    int r = site_new(build, dir, &site, ret_why);

    if (r >= 0 && dir->resumed)
        notice("going on with what is in %s", dir->path);
    if (r >= 0 && !build->source.is_tree)
        r = unpack(site, ret_why);
    return r < 0
               ? r
               : build_source_version(site->source, build->version, &build->linux_version, ret_why);
}

int build_make(struct build *build, const struct build_dir *dir, char **ret_why)
{
    _cleanup_(site_free) struct site *site = NULL;
    _cleanup_free_ char *ignored = NULL;
    int r = site_new(build, dir, &site, ret_why);

    if (r >= 0)
        r = run_steps(build, site, ret_why);
    /* What was made until a failure is as good as the rest. */
    if (r >= 0)
        return build_dir_settle(dir, ret_why);
    (void)build_dir_settle(dir, &ignored);
    return r;
}
