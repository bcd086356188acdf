/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All kernels that there are. */
#include "tools/kernel/listing.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static const struct listed_kernel *find(const struct listing *listing, const char *name)
{
    for (size_t i = 0; i < listing->count; i++)
        if (strcmp(listing->items[i].name, name) == 0)
            return &listing->items[i];
    return NULL;
}

static bool file_size(const struct kernel_dir *dir, enum kernel_file file, uint64_t *ret)
{
    struct stat st;

    if (fstatat(dir->fd, kernel_file_names[file], &st, 0) < 0 || !S_ISREG(st.st_mode))
        return false;
    *ret = (uint64_t)st.st_size;
    return true;
}

static void describe_dir(const struct kernel_dir *dir, struct listed_kernel *kernel)
{
    _cleanup_free_ char *why = NULL;
    uint64_t size;
    int r = kernel_dir_manifest(dir, &kernel->manifest, &why);

    kernel->state = r < 0 ? KERNEL_BROKEN : r == 0 ? KERNEL_BY_HAND : KERNEL_MANAGED;
    if (!file_size(dir, KERNEL_VMLINUX, &kernel->vmlinux_size))
        kernel->state = KERNEL_BROKEN;
    kernel->has_initrd = file_size(dir, KERNEL_INITRD, &size);
}

static int add(const char *root, enum kernel_layer layer, const char *name, struct listing *listing)
{
    struct listed_kernel *grown, kernel = {.layer = layer, .state = KERNEL_BROKEN};
    struct kernel_dir dir;
    int r;

    if (!kernel_name_is_valid(name) || strcmp(name, KERNEL_DEFAULT) == 0 || find(listing, name))
        return 0;
    memcpy(kernel.name, name, strlen(name) + 1);
    r = kernel_store_link(root, layer, name, kernel.link);
    if (r == -ERFKILL) {
        kernel.state = KERNEL_MASKED;
    } else if (r < 0) {
        kernel.link[0] = '\0';
        r = kernel_store_open_in(root, layer, name, &dir);
        if (r == -ENOTDIR || r == -ENOENT)
            return 0; /* a file, or gone meanwhile */
        if (r >= 0) {
            describe_dir(&dir, &kernel);
            kernel_dir_done(&dir);
        }
    }
    grown = reallocarray(listing->items, listing->count + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    listing->items = grown;
    listing->items[listing->count++] = kernel;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct listed_kernel *x = a, *y = b;

    return strverscmp(x->name, y->name);
}

int listing_read(const char *root, struct listing *ret)
{
    struct listing listing = {0};
    int r = 0;

    for (unsigned layer = 0; layer < KERNEL_LAYERS && r >= 0; layer++) {
        char path[PATH_MAX];
        const struct dirent *entry;

        (void)snprintf(path, sizeof(path), "%s%s", root, kernel_layers[layer]);
        DIR *dir = opendir(path);
        if (!dir) {
            r = errno == ENOENT ? 0 : -errno;
            continue;
        }
        while (r >= 0 && (entry = readdir(dir)))
            r = add(root, layer, entry->d_name, &listing);
        (void)closedir(dir);
    }
    if (r < 0) {
        listing_done(&listing);
        return r;
    }
    if (listing.count > 0)
        qsort(listing.items, listing.count, sizeof(*listing.items), compare);
    *ret = listing;
    return 0;
}

void listing_done(struct listing *listing)
{
    free(listing->items);
    *listing = (struct listing){0};
}
