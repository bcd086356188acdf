/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel that this host runs: where its files are, and an initrd for it that a VM can use. */
#include "tools/kernel/host.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "tools/kernel/build-run.h"
#include "tools/kernel/remove-tree.h"
#include "tools/kernel/source.h"
#include "tools/kernel/why.h"

/* As Debian and Fedora have them, and others. */
struct host_file {
    const char *before, *after; /* its version */
};

static void find(const char *root, const char *version, const struct host_file *files,
                 char ret[static PATH_MAX])
{
    for (; files->before; files++) {
        (void)snprintf(ret, PATH_MAX, "%s%s%s%s", root, files->before, version, files->after);
        if (access(ret, F_OK) == 0)
            return;
    }
    *ret = '\0';
}

int host_kernel_find(const char *root, struct host_kernel *ret, char **ret_why)
{
    static const struct host_file images[] = {
        {"/boot/vmlinuz-", ""}, {"/usr/lib/modules/", "/vmlinuz"}, {NULL, NULL}};
    static const struct host_file initrds[] = {
        {"/boot/initrd.img-", ""}, {"/boot/initramfs-", ".img"}, {NULL, NULL}};
    static const struct host_file configs[] = {
        {"/boot/config-", ""}, {"/usr/lib/modules/", "/config"}, {NULL, NULL}};
    struct utsname host;

    if (uname(&host) < 0)
        return why(ret_why, -errno, "cannot tell which kernel this host runs: %m");
    (void)snprintf(ret->version, sizeof(ret->version), "%s", host.release);
    find(root, ret->version, images, ret->image);
    find(root, ret->version, initrds, ret->initrd);
    find(root, ret->version, configs, ret->config);
    return *ret->image ? 0
                       : why(ret_why, -ENOENT,
                             "this host runs %s, and there is no such kernel in /boot or "
                             "/usr/lib/modules; name the file: volt-kernel add NAME IMAGE",
                             ret->version);
}

/* ---- an initrd */

/* In the order in which they are looked for. */
static const char *const makers[] = {"mkinitramfs", "dracut"};

const char *host_initrd_maker(void)
{
    for (size_t i = 0; i < ELEMENTSOF(makers); i++)
        if (build_run_finds(makers[i]))
            return makers[i];
    return NULL;
}

static int write_file(const char *directory, const char *name, const char *text)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *f = fopen(path, "we");
    if (!f)
        return -errno;
    (void)fputs(text, f);
    return fclose(f) != 0 ? -errno : 0;
}

/*
 * A configuration of its own, for mkinitramfs(8): the host's may have MODULES=dep, and looks for
 * what the host resumes from. No words of the host's go into the guest by its hooks, either.
 */
static int configure_mkinitramfs(const char *directory)
{
    char path[PATH_MAX];
    int r = write_file(directory, "initramfs.conf",
                       "MODULES=most\nBUSYBOX=auto\nKEYMAP=n\nCOMPRESS=zstd\nRESUME=none\n");

    if (r >= 0)
        r = write_file(directory, "modules", "virtio_pci\nvirtio_blk\n");
    (void)snprintf(path, sizeof(path), "%s/scripts", directory);
    return r < 0 ? r : mkdir(path, 0700) < 0 ? -errno : 0;
}

static int make(struct build_run *run, const char *maker, const char *version, const char *output,
                char **ret_why)
{
    const char *const with_mkinitramfs[] = {maker,   "-d", run->directory, "-o", output,
                                            version, NULL};
    const char *const with_dracut[] = {maker,           "--force",
                                       "--no-hostonly", "--no-early-microcode",
                                       "--add-drivers", "virtio_pci virtio_blk",
                                       "--kver",        version,
                                       output,          NULL};
    int r;

    if (strcmp(maker, "dracut") == 0)
        return build_run(run, with_dracut, ret_why);
    r = configure_mkinitramfs(run->directory);
    return r < 0 ? why(ret_why, r, "cannot write to %s: %s", run->directory, strerror(-r))
                 : build_run(run, with_mkinitramfs, ret_why);
}

int host_initrd_make(const char *maker, const char *version, char **ret_why)
{
    char directory[PATH_MAX], output[PATH_MAX + 8];
    struct build_run run;
    int fd = -EBADF, r;

    (void)snprintf(directory, sizeof(directory), "%s/volt-kernel-XXXXXX", temporary_directory());
    if (!mkdtemp(directory))
        return why(ret_why, -errno, "cannot make %s: %m", directory);
    (void)snprintf(output, sizeof(output), "%s/initrd", directory);
    r = build_run_open(&run, directory, -EBADF);
    if (r < 0)
        return why(ret_why, r, "cannot write to %s: %s", directory, strerror(-r));
    r = make(&run, maker, version, output, ret_why);
    build_run_done(&run);
    if (r < 0)
        return r;
    fd = open(output, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return why(ret_why, -errno, "%s made no initrd; %s/log has what it said", maker, directory);
    (void)remove_tree(AT_FDCWD, directory);
    return fd;
}
