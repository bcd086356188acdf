/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volt-kernel default, remove and gc. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/kernel/build-dir.h"
#include "tools/kernel/command.h"
#include "tools/kernel/listing.h"

static int show_default(const struct arguments *arguments)
{
    char name[KERNEL_NAME_MAX + 1];

    find_default(arguments->root, name);
    if (!*name)
        return complain("no kernel is the default; `volt-kernel default NAME` makes one that");
    (void)puts(name);
    return STATUS_DONE;
}

int command_default(const struct arguments *arguments)
{
    const char *name = arguments->words[0];
    _cleanup_store_ struct store store = {.dir_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_kernel_dir_ struct kernel_dir dir = {.fd = -EBADF};
    _cleanup_free_ char *why = NULL;
    int r;

    if (arguments->n_words == 0)
        return show_default(arguments);
    if (!check_name(name))
        return STATUS_USAGE;
    if (open_for_writing(arguments, &store) < 0)
        return STATUS_FAILED;
    r = kernel_store_open(arguments->root, name, &dir, &why);
    if (r >= 0)
        r = store_set_default(&store, name, &why);
    if (r < 0)
        return complain("%s", why ? why : strerror(-r));
    notice("%s is the default now; VMs that run keep theirs until their next start", name);
    return STATUS_DONE;
}

static int refuse(const char *name, const struct kernel_user *user)
{
    if (user->unknown)
        return complain("%s stays: %s cannot be read, and may name it", name, user->source);
    if (user->runs)
        return complain("%s stays: %s runs with it", name, user->vm);
    if (user->by_default)
        return complain("%s stays: %s (%s) names no kernel, and it is the default; `volt-kernel "
                        "default NAME` makes another one that",
                        name, user->vm, user->source);
    return complain("%s stays: %s names it (%s)", name, user->vm, user->source);
}

/* What is left of the name, below. */
static void tell_vendor(const struct arguments *arguments, const char *name)
{
    struct kernel_dir dir;

    if (kernel_store_open_in(arguments->root, KERNEL_LAYER_VENDOR, name, &dir) < 0)
        return;
    kernel_dir_done(&dir);
    notice("%s is the vendor's in %s from now on", name, kernel_layers[KERNEL_LAYER_VENDOR]);
}

/* Whether something of that name is there to be removed: a directory, or a link. */
static int look_for(const struct arguments *arguments, const struct store *store, const char *name)
{
    struct kernel_dir dir;
    struct stat st;

    if (fstatat(store->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (errno != ENOENT)
        return complain("%s: %s", name, strerror(errno));
    if (kernel_store_open_in(arguments->root, KERNEL_LAYER_VENDOR, name, &dir) < 0)
        return complain("there is no kernel %s in %s", name, VOLT_KERNEL_DIR);
    kernel_dir_done(&dir);
    return complain("%s is the vendor's, in %s; `ln -s /dev/null %s/%s` masks it", name,
                    kernel_layers[KERNEL_LAYER_VENDOR], VOLT_KERNEL_DIR, name);
}

int command_remove(const struct arguments *arguments)
{
    const char *name = arguments->words[0];
    _cleanup_kernel_users_ struct kernel_users users = {0};
    _cleanup_store_ struct store store = {.dir_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_free_ char *why = NULL;
    const struct kernel_user *user;
    char the_default[KERNEL_NAME_MAX + 1];
    int r;

    if (!check_name(name))
        return STATUS_USAGE;
    if (open_for_writing(arguments, &store) < 0 || look_for(arguments, &store, name) != 0)
        return STATUS_FAILED;
    r = kernel_users_find(arguments->root, &users);
    if (r < 0)
        return complain("%s stays: cannot tell which VMs name it: %s", name, strerror(-r));
    user = kernel_users_need(&users, name);
    if (user)
        return refuse(name, user);
    find_default(arguments->root, the_default);
    if (strcmp(the_default, name) == 0)
        r = store_set_default(&store, NULL, &why);
    if (r >= 0)
        r = store_remove(&store, name, &why);
    if (r < 0)
        return complain("%s", why ? why : strerror(-r));
    notice("removed %s%s", name, strcmp(the_default, name) ? "" : "; no kernel is the default now");
    tell_vendor(arguments, name);
    return STATUS_DONE;
}

/* Kernels that were added, and that nobody names. */
static int remove_unused(const struct arguments *arguments, const struct store *store,
                         unsigned *ret_count)
{
    _cleanup_kernel_users_ struct kernel_users users = {0};
    _cleanup_listing_ struct listing listing = {0};
    _cleanup_free_ char *why = NULL;
    char the_default[KERNEL_NAME_MAX + 1];
    unsigned count = 0;
    int r = listing_read(arguments->root, &listing);

    if (r >= 0)
        r = kernel_users_find(arguments->root, &users);
    find_default(arguments->root, the_default);
    for (size_t i = 0; i < listing.count && r >= 0; i++) {
        const struct listed_kernel *kernel = &listing.items[i];
        const struct kernel_user *user = kernel_users_need(&users, kernel->name);

        if (kernel->layer != KERNEL_LAYER_LOCAL || kernel->state != KERNEL_MANAGED ||
            strcmp(kernel->name, the_default) == 0)
            continue;
        if (user && user->unknown)
            return refuse(kernel->name, user);
        if (user)
            continue;
        r = store_remove(store, kernel->name, &why);
        if (r >= 0)
            notice("removed %s", kernel->name);
        count += r >= 0;
    }
    *ret_count = count;
    return r < 0 ? complain("%s", why ? why : strerror(-r)) : STATUS_DONE;
}

int command_gc(const struct arguments *arguments)
{
    _cleanup_store_ struct store store = {.dir_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_free_ char *why = NULL;
    unsigned builds = 0, left = 0, unused = 0;
    int r;

    if (open_for_writing(arguments, &store) < 0)
        return STATUS_FAILED;
    r = store_clean(&store, &left, &why);
    if (r >= 0)
        r = build_dir_clean(arguments->root, &builds, &why);
    if (r < 0)
        return complain("%s", why ? why : strerror(-r));
    if (arguments->unused && remove_unused(arguments, &store, &unused) != STATUS_DONE)
        return STATUS_FAILED;
    if (builds > 0)
        notice("removed %u of the builds in " BUILD_CACHE, builds);
    notice("removed %u left behind by interrupted work%s", left,
           arguments->unused && unused == 0 ? ", and no kernel: all are named, or made by hand"
                                            : "");
    return STATUS_DONE;
}
