/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volt-kernel add. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "generator/managed-kernel.h"
#include "tools/kernel/advice.h"
#include "tools/kernel/command.h"
#include "tools/kernel/host.h"
#include "tools/kernel/import.h"

/* What the kernel is made of: of IMAGE, and of the options. */
struct parts {
    struct kernel_import import;
    struct host_kernel host;                 /* with --from-host */
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

/* Debian's kernels do not have their configuration in them; it is beside vmlinuz-VERSION, as
 * config-VERSION. There may be none. */
static int read_config_beside(const char *image, char **ret)
{
    const char *name = strrchr(image, '/') ? strrchr(image, '/') + 1 : image;
    char path[PATH_MAX];

    if (strncmp(name, "vmlinuz-", 8) != 0)
        return 0;
    (void)snprintf(path, sizeof(path), "%.*sconfig-%s", (int)(name - image), image, name + 8);
    return access(path, F_OK) < 0 ? 0 : read_config(path, ret);
}

/* The image's path, and with --from-host the initrd's and the configuration's. */
static int find_sources(const struct arguments *arguments, struct parts *parts, char *config)
{
    _cleanup_free_ char *why = NULL;

    if (arguments->from_host) {
        int r = host_kernel_find(arguments->root, &parts->host, &why);

        if (r < 0) {
            (void)complain("%s", why ? why : strerror(-r));
            return r;
        }
    }
    (void)snprintf(parts->source, sizeof(parts->source), "%s",
                   arguments->from_host ? parts->host.image : arguments->words[1]);
    (void)snprintf(parts->initrd, sizeof(parts->initrd), "%s",
                   arguments->initrd ? arguments->initrd : parts->host.initrd);
    (void)snprintf(config, PATH_MAX, "%s",
                   arguments->config ? arguments->config : parts->host.config);
    return 0;
}

/* What is wrong with the host's initrd, for a VM; NULL: nothing, or that nobody can tell. */
static char *host_initrd_lacks(const struct parts *parts)
{
    _cleanup_free_ char *missing = NULL, *why = NULL;
    char *text;

    if (parts->initrd_fd < 0)
        return strdup("there is none in /boot");
    int r =
        kernel_initrd_lacks(parts->config, parts->initrd_fd, parts->import.version, &missing, &why);
    if (r < 0)
        return r == -EOPNOTSUPP ? NULL : TAKE_PTR(why);
    return missing && asprintf(&text, "it has no %s", missing) >= 0 ? text : NULL;
}

/* The host's own may be made for the host's hardware alone. Where nobody knows what is built into
 * the kernel, it may do all the same, and what it lacks is told of later. */
static int make_host_initrd(struct parts *parts)
{
    _cleanup_free_ char *lacks = host_initrd_lacks(parts), *why = NULL;
    const char *version = parts->host.version, *maker = host_initrd_maker();
    bool may_do = parts->initrd_fd >= 0 && !parts->config;

    if (!lacks || (!maker && may_do))
        return 0;
    if (!maker)
        return complain("the initrd of %s, which this host runs: %s, and neither mkinitramfs nor "
                        "dracut is here to make another one (apt install initramfs-tools); or "
                        "name one: --initrd=FILE",
                        version, lacks);
    notice("the initrd of %s, which this host runs: %s; %s makes another one", version, lacks,
           maker);
    int fd = host_initrd_make(maker, version, &why);
    if (fd < 0) {
        (void)complain("%s", why ? why : strerror(-fd));
        return may_do ? 0 : fd;
    }
    (void)close_fd(parts->initrd_fd);
    parts->initrd_fd = fd;
    *parts->initrd = '\0';
    free(lacks);
    lacks = host_initrd_lacks(parts);
    return lacks && parts->config
               ? complain("the initrd of %s that %s made: %s; name one: --initrd=FILE", version,
                          maker, lacks)
               : 0;
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
    if (!parts->config && !arguments->from_host && !arguments->origin &&
        read_config_beside(parts->source, &parts->config) < 0)
        return -EINVAL;
    if (parts->initrd_fd < 0)
        parts->initrd_fd = TAKE_FD(parts->import.initrd_fd);
    if (arguments->from_host && !arguments->initrd && make_host_initrd(parts) != 0)
        return -EINVAL;
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
