/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volt-kernel add. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#include "generator/managed-kernel.h"
#include "tools/kernel/advice.h"
#include "tools/kernel/command.h"
#include "tools/kernel/import.h"

/* What the kernel is made of: of IMAGE, and of the options. */
struct parts {
    struct kernel_import import;
    char source[PATH_MAX], initrd[PATH_MAX]; /* paths; initrd "": the import's, if any */
    const char *origin;                      /* what the manifest calls it; NULL: source */
    int initrd_fd; /* of --initrd or --from-host; -EBADF: the import's, if any */
    const char *cmdline;
    char *config;
};

static void parts_done(struct parts *parts)
{
    kernel_import_done(&parts->import);
    parts->initrd_fd = close_fd(parts->initrd_fd);
    free(parts->config);
}

/* A regular file that is not empty. Says what is wrong. */
static int open_input(const char *path)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        (void)complain("cannot open %s: %s", path, strerror(errno));
        return -EIO;
    }
    if (!S_ISREG(st.st_mode) || st.st_size == 0) {
        (void)complain("%s is %s", path, S_ISREG(st.st_mode) ? "empty" : "no regular file");
        return -EINVAL;
    }
    return TAKE_FD(fd);
}

static int read_config(const char *path, char **ret)
{
    _cleanup_close_ int fd = open_input(path);
    _cleanup_free_ char *text = NULL;
    struct stat st;
    ssize_t n;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -EIO;
    if ((uintmax_t)st.st_size > IMPORT_CONFIG_MAX) {
        (void)complain("%s is too large to be a kernel's configuration", path);
        return -EFBIG;
    }
    text = malloc((size_t)st.st_size + 1);
    n = text ? pread(fd, text, (size_t)st.st_size, 0) : -1;
    if (n < 0 || memchr(text, '\0', (size_t)n)) {
        (void)complain("%s is no kernel's configuration", path);
        return -EINVAL;
    }
    text[n] = '\0';
    *ret = TAKE_PTR(text);
    return 0;
}

/* Where the files of the kernel that runs here are: as Debian and Fedora have them, and others. */
struct host_file {
    const char *before, *after; /* its version */
};

static bool find_on_host(const char *root, const char *version, const struct host_file *files,
                         char ret[static PATH_MAX])
{
    for (; files->before; files++) {
        (void)snprintf(ret, PATH_MAX, "%s%s%s%s", root, files->before, version, files->after);
        if (access(ret, F_OK) == 0)
            return true;
    }
    *ret = '\0';
    return false;
}

/* What INITRD and CONFIG do not name is looked for. */
static int find_host(const char *root, char *image, char *initrd, char *config)
{
    static const struct host_file images[] = {
        {"/boot/vmlinuz-", ""}, {"/usr/lib/modules/", "/vmlinuz"}, {NULL, NULL}};
    static const struct host_file initrds[] = {
        {"/boot/initrd.img-", ""}, {"/boot/initramfs-", ".img"}, {NULL, NULL}};
    static const struct host_file configs[] = {
        {"/boot/config-", ""}, {"/usr/lib/modules/", "/config"}, {NULL, NULL}};
    struct utsname host;

    if (uname(&host) < 0)
        return -errno;
    if (!find_on_host(root, host.release, images, image)) {
        (void)complain("this host runs %s, and there is no such kernel in /boot or "
                       "/usr/lib/modules; name the file: volt-kernel add NAME IMAGE",
                       host.release);
        return -ENOENT;
    }
    if (!*initrd && !find_on_host(root, host.release, initrds, initrd)) {
        (void)complain("this host runs %s, and there is no initrd for it in /boot; make one "
                       "(update-initramfs -c -k %s), or name one: --initrd=FILE",
                       host.release, host.release);
        return -ENOENT;
    }
    if (!*config)
        (void)find_on_host(root, host.release, configs, config);
    return 0;
}

/* The image's path, and with --from-host the initrd's and the configuration's. */
static int find_sources(const struct arguments *arguments, struct parts *parts, char *config)
{
    if (arguments->initrd)
        (void)snprintf(parts->initrd, PATH_MAX, "%s", arguments->initrd);
    if (arguments->config)
        (void)snprintf(config, PATH_MAX, "%s", arguments->config);
    if (arguments->from_host)
        return find_host(arguments->root, parts->source, parts->initrd, config);
    (void)snprintf(parts->source, PATH_MAX, "%s", arguments->words[1]);
    return 0;
}

static int check_cmdline(const char *text)
{
    if (strlen(text) > MANAGED_CMDLINE_MAX) {
        (void)complain("the words for the command line are longer than %d characters",
                       MANAGED_CMDLINE_MAX);
        return -E2BIG;
    }
    for (; *text; text++)
        if (*text < ' ' || *text > '~') {
            (void)complain(
                "the words for the command line are not all printable ASCII on one line");
            return -EINVAL;
        }
    return 0;
}

static int parts_read(const struct arguments *arguments, struct parts *parts)
{
    char config[PATH_MAX] = "";
    _cleanup_free_ char *why = NULL;
    _cleanup_close_ int fd = -EBADF;
    int r = find_sources(arguments, parts, config);

    parts->origin = arguments->origin;

    if (r < 0)
        return r;
    if (*config && read_config(config, &parts->config) < 0)
        return -EINVAL;
    if (*parts->initrd && (parts->initrd_fd = open_input(parts->initrd)) < 0)
        return -EINVAL;
    fd = open_input(parts->source);
    if (fd < 0)
        return fd;
    r = kernel_import_open(fd, parts->source, &parts->import, &why);
    if (r < 0) {
        (void)complain("%s", why ? why : strerror(-r));
        return r;
    }
    if (!parts->config)
        parts->config = TAKE_PTR(parts->import.config);
    if (parts->initrd_fd < 0)
        parts->initrd_fd = TAKE_FD(parts->import.initrd_fd);
    parts->cmdline = arguments->cmdline ? arguments->cmdline : parts->import.cmdline;
    return parts->cmdline ? check_cmdline(parts->cmdline) : 0;
}

/* What it lacks is its owner's to judge: a VM without a disk needs no driver for one. An initrd
 * that is none, or not whole, is good for nobody. */
static int tell_missing(const struct parts *parts)
{
    _cleanup_free_ char *advice = NULL, *why = NULL;
    char *rest, *line;
    int r = kernel_advice(parts->config, parts->initrd_fd, parts->import.version, &advice, &why);

    if (r < 0) {
        (void)complain("%s: %s", *parts->initrd ? parts->initrd : parts->source,
                       why ? why : strerror(-r));
        return r;
    }
    rest = advice;
    while ((line = strsep(&rest, "\n")))
        (void)complain("%s", line);
    if (parts->initrd_fd < 0 && strcmp(parts->import.format, "deb") == 0)
        (void)complain("notice: a Debian package has no initrd: update-initramfs makes it where "
                       "the package is installed (--initrd=/boot/initrd.img-%s there)",
                       parts->import.version);
    return 0;
}

static int fill(struct stage *stage, const struct parts *parts, char **ret_why)
{
    struct kernel_manifest *manifest = &stage->manifest;
    time_t now = time(NULL);
    struct tm tm;
    int r;

    kernel_manifest_set(manifest->version, sizeof(manifest->version), parts->import.version);
    kernel_manifest_set(manifest->format, sizeof(manifest->format), parts->import.format);
    kernel_manifest_set(manifest->source, sizeof(manifest->source),
                        parts->origin ? parts->origin : parts->source);
    if (gmtime_r(&now, &tm))
        (void)strftime(manifest->added, sizeof(manifest->added), "%Y-%m-%dT%H:%M:%SZ", &tm);
    r = stage_copy(stage, KERNEL_VMLINUX, parts->import.vmlinux_fd, ret_why);
    if (r >= 0 && parts->initrd_fd >= 0)
        r = stage_copy(stage, KERNEL_INITRD, parts->initrd_fd, ret_why);
    if (r >= 0 && parts->cmdline && *parts->cmdline)
        r = stage_text(stage, KERNEL_CMDLINE, parts->cmdline, ret_why);
    if (r >= 0 && parts->config)
        r = stage_text(stage, KERNEL_CONFIG, parts->config, ret_why);
    return r;
}

/* What VMs that run have, they keep. */
static void tell_running(const struct arguments *arguments, const char *name)
{
    _cleanup_kernel_users_ struct kernel_users users = {0};

    if (kernel_users_find(arguments->root, &users) < 0)
        return;
    for (size_t i = 0; i < users.count; i++)
        if (users.items[i].runs && strcmp(users.items[i].kernel, name) == 0)
            notice("%s runs with the one before until its next start", users.items[i].vm);
}

static int put(const struct arguments *arguments, const struct parts *parts)
{
    const char *name = arguments->words[0];
    _cleanup_store_ struct store store = {.dir_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_stage_ struct stage stage = {.fd = -EBADF};
    _cleanup_free_ char *why = NULL;
    char the_default[KERNEL_NAME_MAX + 1];
    int r;

    if (open_for_writing(arguments, &store) < 0)
        return STATUS_FAILED;
    r = stage_open(&store, name, &stage, &why);
    if (r >= 0)
        r = fill(&stage, parts, &why);
    if (r >= 0)
        r = stage_commit(&stage, arguments->replace, &why);
    if (r < 0)
        return complain("%s", why ? why : strerror(-r));
    notice("added %s: %s, %s, %.1f MiB%s", name, stage.manifest.version, parts->import.format,
           (double)stage.manifest.files[KERNEL_VMLINUX].size / (1 << 20),
           stage.manifest.files[KERNEL_VMLINUX].verity[0] ? ", sealed by fs-verity" : "");
    find_default(arguments->root, the_default);
    if (!*the_default && store_set_default(&store, name, &why) >= 0)
        notice("%s is the default now, as there was none", name);
    if (arguments->replace)
        tell_running(arguments, name);
    return STATUS_DONE;
}

/* Before all the work. */
int check_free(const struct arguments *arguments, const char *name)
{
    struct kernel_dir dir;

    if (arguments->replace ||
        kernel_store_open_in(arguments->root, KERNEL_LAYER_LOCAL, name, &dir) < 0)
        return STATUS_DONE;
    kernel_dir_done(&dir);
    return complain("there is a kernel %s already; --replace puts this one in its place", name);
}

int command_add(const struct arguments *arguments)
{
    _cleanup_(parts_done) struct parts parts = {.import = KERNEL_IMPORT_NONE, .initrd_fd = -EBADF};

    if (!check_name(arguments->words[0]))
        return STATUS_USAGE;
    if (arguments->from_host == (arguments->n_words == 2)) {
        (void)complain("add: expected a NAME and an IMAGE, or a NAME and --from-host");
        return STATUS_USAGE;
    }
    if (check_free(arguments, arguments->words[0]) != STATUS_DONE)
        return STATUS_FAILED;
    if (parts_read(arguments, &parts) < 0 || tell_missing(&parts) < 0)
        return STATUS_FAILED;
    return put(arguments, &parts);
}
