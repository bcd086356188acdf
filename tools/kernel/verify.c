/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volt-kernel verify: reads all of each file, and holds it against the manifest. */
#include <string.h>

#include "generator/kernel-verify.h"
#include "tools/kernel/command.h"
#include "tools/kernel/listing.h"

/* Says what is wrong with one file; returns whether it is good. */
static bool verify_file(const struct kernel_dir *dir, const struct kernel_manifest *manifest,
                        enum kernel_file file)
{
    const char *name = kernel_file_names[file], *how;
    _cleanup_free_ char *why = NULL;
    _cleanup_close_ int fd = kernel_dir_open_file(dir, name, true);
    int r;

    if (fd < 0) {
        (void)printf("%s: %s: %s\n", dir->name, name,
                     fd == -ENOENT   ? "it is missing"
                     : fd == -ELOOP  ? "it is a link"
                     : fd == -EINVAL ? "it is no regular file"
                                     : strerror(-fd));
        return false;
    }
    r = kernel_verify(fd, &manifest->files[file], true, &how, &why);
    if (r < 0)
        (void)printf("%s: %s: it is not what the manifest says: %s\n", dir->name, name,
                     why ? why : strerror(-r));
    return r >= 0;
}

static bool verify_dir(const struct kernel_dir *dir)
{
    struct kernel_manifest manifest;
    _cleanup_free_ char *why = NULL;
    unsigned good = 0, bad = 0;
    int r = kernel_dir_manifest(dir, &manifest, &why);

    if (r < 0) {
        (void)printf("%s\n", why ? why : strerror(-r));
        return false;
    }
    if (r == 0) {
        (void)printf("%s: made by hand, without a manifest: nothing to hold it against\n",
                     dir->name);
        return true;
    }
    for (unsigned i = 0; i < KERNEL_FILES; i++) {
        if (!manifest.files[i].there)
            continue;
        if (verify_file(dir, &manifest, i))
            good++;
        else
            bad++;
    }
    if (bad == 0)
        (void)printf("%s: good (%s, %u file%s)\n", dir->name, manifest.version, good,
                     good == 1 ? "" : "s");
    else
        (void)printf(
            "%s: %u of %u files %s wrong; `volt-kernel add --replace %s …` puts it right\n",
            dir->name, bad, good + bad, bad == 1 ? "is" : "are", dir->name);
    return bad == 0;
}

static bool verify_named(const struct arguments *arguments, const char *name)
{
    _cleanup_kernel_dir_ struct kernel_dir dir = {.fd = -EBADF};
    _cleanup_free_ char *why = NULL;
    int r = kernel_store_open(arguments->root, name, &dir, &why);

    if (r >= 0)
        return verify_dir(&dir);
    (void)complain("%s", why ? why : strerror(-r));
    return false;
}

int command_verify(const struct arguments *arguments)
{
    _cleanup_listing_ struct listing listing = {0};
    bool good = true;
    int r;

    for (unsigned i = 0; i < arguments->n_words; i++)
        good = verify_named(arguments, arguments->words[i]) && good;
    if (arguments->n_words > 0)
        return good ? STATUS_DONE : STATUS_FAILED;
    r = listing_read(arguments->root, &listing);
    if (r < 0)
        return complain("cannot list the kernels: %s", strerror(-r));
    for (size_t i = 0; i < listing.count; i++)
        if (listing.items[i].state != KERNEL_MASKED && !*listing.items[i].link)
            good = verify_named(arguments, listing.items[i].name) && good;
    return good ? STATUS_DONE : STATUS_FAILED;
}
