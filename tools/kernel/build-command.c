/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volt-kernel build. */
#include <ctype.h>
#include <sched.h>
#include <string.h>

#include "tools/kernel/build-tools.h"
#include "tools/kernel/build.h"
#include "tools/kernel/command.h"

enum { JOBS_MAX = 1024, SHOWN_DIGITS = 16 };

static void build_done(struct build *build)
{
    build_settings_done(&build->settings);
}

/* As many as there are CPUs for us. */
static bool read_jobs(const char *text, unsigned *ret)
{
    cpu_set_t cpus;
    unsigned long n;
    char *end;

    if (!text) {
        *ret = sched_getaffinity(0, sizeof(cpus), &cpus) < 0 ? 1 : (unsigned)CPU_COUNT(&cpus);
        return true;
    }
    n = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || n == 0 || n > JOBS_MAX)
        return false;
    *ret = (unsigned)n;
    return true;
}

static void say_waiting(void)
{
    (void)complain("another build of the same is at work; waiting for it");
}

/* In the cache: *RET is open and locked then, and the version is known. */
static int begin(struct build *build, bool again, bool clean, struct build_dir *ret)
{
    static const char *const names[] = {"objects", "source", "log"};
    _cleanup_free_ char *why = NULL;
    char name[256];
    int r;

    build_directory_name(build, again, name, sizeof(name));
    r = build_dir_open(build->root, name, say_waiting, ret, &why);
    if (r >= 0 && clean)
        ret->resumed = false;
    for (size_t i = 0; i < ELEMENTSOF(names) && clean && r >= 0; i++)
        r = build_dir_remove(ret, names[i], &why);
    if (r >= 0)
        r = build_begin(build, ret, &why);
    if (r < 0)
        (void)complain("%s", why ? why : strerror(-r));
    return r;
}

static int make(struct build *build, const struct build_dir *dir)
{
    _cleanup_free_ char *why = NULL;
    int r = build_make(build, dir, &why);

    if (r < 0)
        (void)complain("%s", why ? why : strerror(-r));
    return r;
}

/* Room for hundreds of MiB; the log and the configuration stay. */
static void drop_large(const struct build_dir *dir)
{
    static const char *const names[] = {"objects", "source", "vmlinux"};

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        _cleanup_free_ char *why = NULL;

        if (build_dir_remove(dir, names[i], &why) < 0)
            (void)complain("%s", why ? why : names[i]);
    }
}

/* Builds it all in another directory, too: what depends on where or when it is made is found. */
static int make_again(struct build *build)
{
    _cleanup_build_dir_ struct build_dir dir = {.fd = -EBADF};
    uint8_t first[SHA256_SIZE];
    char a[SHA256_TEXT_SIZE], b[SHA256_TEXT_SIZE];

    memcpy(first, build->sha256, sizeof(first));
    notice("building it again, in another directory");
    int r = begin(build, true, true, &dir);
    if (r >= 0)
        r = make(build, &dir);
    if (r < 0)
        return r;
    if (memcmp(first, build->sha256, sizeof(first)) == 0) {
        notice("both are the same");
        drop_large(&dir);
        return 0;
    }
    sha256_format(first, a);
    sha256_format(build->sha256, b);
    (void)complain("the second build is not the same: sha256 %s, and %s of %s/vmlinux", a, b,
                   dir.path);
    return -EBADMSG;
}

/* The compiler that the configuration was made for. */
static void find_compiler(const struct build_dir *dir, char *ret, size_t size)
{
    static const char key[] = "CONFIG_CC_VERSION_TEXT=\"";
    char path[PATH_MAX + 16], line[256];

    (void)snprintf(ret, size, "a compiler");
    (void)snprintf(path, sizeof(path), "%s/config", dir->path);
    _cleanup_fclose_ FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, key, strlen(key)) == 0)
            (void)snprintf(ret, size, "%.*s", (int)strcspn(line + strlen(key), "\""),
                           line + strlen(key));
}

/* The same way as any other kernel. */
static int put(const struct arguments *arguments, const struct build *build,
               const struct build_dir *dir, char *name)
{
    char source[1024], vmlinux[PATH_MAX + 16], config[PATH_MAX + 16], compiler[128];
    char settings[SHA256_TEXT_SIZE], digest[SHA256_TEXT_SIZE];
    char *words[] = {name, vmlinux, NULL};
    struct arguments add = *arguments;

    find_compiler(dir, compiler, sizeof(compiler));
    sha256_format(build->settings.sha256, settings);
    sha256_format(build->sha256, digest);
    (void)snprintf(source, sizeof(source),
                   "built from Linux %s (%s%s%s), settings sha256 %s, by %s", build->version,
                   build->source.name, build->source.is_tree ? "" : ", sha256 ",
                   build->source.is_tree ? "" : build->source.digest, settings, compiler);
    (void)snprintf(vmlinux, sizeof(vmlinux), "%s/vmlinux", dir->path);
    (void)snprintf(config, sizeof(config), "%s/config", dir->path);
    add.words = words;
    add.n_words = 2;
    add.config = config;
    add.origin = source;
    int status = command_add(&add);
    if (status == STATUS_DONE)
        notice("sha256 %s; the log is %s/log", digest, dir->path);
    return status;
}

/* volt-6.1 of Linux 6.1.192. */
static void default_name(const struct build *build, char *ret, size_t size)
{
    const char *minor = strchr(build->version, '.');

    (void)snprintf(ret, size, "volt-%.*s",
                   (int)(minor ? minor + 1 + strcspn(minor + 1, ".") - build->version : 8),
                   build->version);
}

static int prepare(const struct arguments *arguments, struct build *build)
{
    _cleanup_free_ char *why = NULL;

    if (!read_jobs(arguments->jobs, &build->jobs)) {
        (void)complain("--jobs=%s: expected a number from 1 to %d", arguments->jobs, JOBS_MAX);
        return STATUS_USAGE;
    }
    int r = build_settings_read(arguments->root, &build->settings, &why);
    if (r >= 0)
        r = build_source_find(arguments->root, arguments->source, &build->source, &why);
    if (r >= 0)
        r = build_tools_check(!build->source.is_tree, &why);
    return r < 0 ? complain("%s", why ? why : strerror(-r)) : STATUS_DONE;
}

static int build_as(const struct arguments *arguments, struct build *build,
                    const struct build_dir *dir, char *name)
{
    if (check_free(arguments, name) != STATUS_DONE || make(build, dir) < 0)
        return STATUS_FAILED;
    if (arguments->twice && make_again(build) < 0)
        return STATUS_FAILED;
    int status = put(arguments, build, dir, name);
    if (status == STATUS_DONE)
        drop_large(dir);
    return status;
}

int command_build(const struct arguments *arguments)
{
    _cleanup_(build_done) struct build build = {.root = arguments->root};
    _cleanup_build_dir_ struct build_dir dir = {.fd = -EBADF};
    char by_default[KERNEL_NAME_MAX + 1], *name = arguments->words[0];

    if (name && !check_name(name))
        return STATUS_USAGE;
    if (name && check_free(arguments, name) != STATUS_DONE)
        return STATUS_FAILED;
    int status = prepare(arguments, &build);
    if (status != STATUS_DONE)
        return status;
    if (begin(&build, false, arguments->clean, &dir) < 0)
        return STATUS_FAILED;
    default_name(&build, by_default, sizeof(by_default));
    return build_as(arguments, &build, &dir, name ? name : by_default);
}
