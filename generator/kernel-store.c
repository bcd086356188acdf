// SPDX-License-Identifier: LGPL-2.1-or-later
/* Where managed kernels are found. */
#include "generator/kernel-store.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum { LINKS_MAX = 8 };

const char *const kernel_layers[KERNEL_LAYERS] = {
    [KERNEL_LAYER_LOCAL] = VOLT_KERNEL_DIR,
    [KERNEL_LAYER_VENDOR] = VOLT_VENDOR_KERNEL_DIR,
};

bool kernel_name_is_valid(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > KERNEL_NAME_MAX || !isalnum((unsigned char)name[0]))
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("._-", *name))
            return false;
    return true;
}

static int open_layer(const char *root, enum kernel_layer layer)
{
    char path[PATH_MAX];
    int fd;

    if ((size_t)snprintf(path, sizeof(path), "%s%s", root, kernel_layers[layer]) >= sizeof(path))
        return -ENAMETOOLONG;
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int kernel_store_link(const char *root, enum kernel_layer layer, const char *name,
                      char ret[static KERNEL_NAME_MAX + 1])
{
    _cleanup_close_ int fd = open_layer(root, layer);
    char target[PATH_MAX];
    ssize_t n;

    if (fd < 0)
        return fd;
    n = readlinkat(fd, name, target, sizeof(target) - 1);
    if (n < 0)
        return -errno;
    target[n] = '\0';
    if (!strcmp(target, "/dev/null"))
        return -ERFKILL;
    if (!kernel_name_is_valid(target))
        return -EINVAL;
    memcpy(ret, target, (size_t)n + 1);
    return 0;
}

int kernel_store_open_in(const char *root, enum kernel_layer layer, const char *name,
                         struct kernel_dir *ret)
{
    _cleanup_close_ int fd = open_layer(root, layer);
    int found;

    if (fd < 0)
        return fd;
    found = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (found < 0)
        return -errno;
    *ret = (struct kernel_dir){.layer = layer, .fd = found};
    (void)snprintf(ret->name, sizeof(ret->name), "%s", name);
    return 0;
}

void kernel_dir_done(struct kernel_dir *dir)
{
    dir->fd = close_fd(dir->fd);
}

/* One step: 0; 1 where NAME became what a link stands for; -errno. */
static int look_up(const char *root, char name[static KERNEL_NAME_MAX + 1], struct kernel_dir *ret)
{
    for (unsigned layer = 0; layer < KERNEL_LAYERS; layer++) {
        int r = kernel_store_link(root, layer, name, name);

        if (r >= 0)
            return 1;
        if (r == -ENOENT)
            continue;
        /* A directory, or a link to one elsewhere. */
        return r == -EINVAL ? kernel_store_open_in(root, layer, name, ret) : r;
    }
    return -ENOENT;
}

static int explain(int r, const char *asked, const char *name, char **ret_why)
{
    bool is_default = !strcmp(asked, KERNEL_DEFAULT);
    int n;

    if (r == -ENOENT && is_default && !strcmp(name, KERNEL_DEFAULT))
        n = asprintf(ret_why,
                     "no kernel is the default, and the VM's file names none: write kernel "
                     "= NAME there, or make one the default with `volt-kernel default "
                     "NAME`");
    else if (r == -ENOENT)
        n = asprintf(ret_why,
                     "there is no kernel %s%s in %s or %s: `volt-kernel list` shows which "
                     "there are, `volt-kernel add %s IMAGE` adds it",
                     name, is_default ? ", the default," : "", VOLT_KERNEL_DIR,
                     VOLT_VENDOR_KERNEL_DIR, name);
    else if (r == -ERFKILL)
        n = asprintf(ret_why, "kernel %s is masked: in %s it is a link to /dev/null", name,
                     VOLT_KERNEL_DIR);
    else if (r == -EINVAL)
        n = asprintf(ret_why, "'%.80s' is no name of a kernel", asked);
    else
        n = asprintf(ret_why, "kernel %s cannot be opened: %s", name, strerror(-r));
    if (n < 0)
        *ret_why = NULL;
    return r;
}

int kernel_store_open(const char *root, const char *name, struct kernel_dir *ret, char **ret_why)
{
    char current[KERNEL_NAME_MAX + 1] = "";
    int r = kernel_name_is_valid(name) ? 1 : -EINVAL;

    if (r > 0)
        memcpy(current, name, strlen(name) + 1);
    for (unsigned i = 0; r > 0; i++)
        r = i < LINKS_MAX ? look_up(root, current, ret) : -ELOOP;
    return r < 0 ? explain(r, name, current, ret_why) : 0;
}

int kernel_dir_open_file(const struct kernel_dir *dir, const char *name, bool managed)
{
    _cleanup_close_ int found =
        openat(dir->fd, name, O_PATH | O_CLOEXEC | (managed ? O_NOFOLLOW : 0));
    char self[64];
    struct stat st;
    int fd;

    if (found < 0 || fstat(found, &st) < 0)
        return -errno;
    if (S_ISLNK(st.st_mode))
        return -ELOOP;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    /* Nothing else is ever opened: that can do things, or wait. */
    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", found);
    fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return fd < 0 ? -errno : fd;
}

static int read_all(int fd, char *to, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(fd, to + done, size - done, (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        done += (size_t)n;
    }
    return 0;
}

int kernel_dir_read(const struct kernel_dir *dir, const char *name, bool managed, size_t max,
                    char **ret, size_t *ret_size)
{
    _cleanup_close_ int fd = kernel_dir_open_file(dir, name, managed);
    _cleanup_free_ char *text = NULL;
    struct stat st;
    int r;

    if (fd < 0 || fstat(fd, &st) < 0)
        return fd < 0 ? fd : -errno;
    if ((uintmax_t)st.st_size > max)
        return -EFBIG;
    text = malloc((size_t)st.st_size + 1);
    if (!text)
        return -ENOMEM;
    r = read_all(fd, text, (size_t)st.st_size);
    if (r < 0)
        return r;
    text[st.st_size] = '\0';
    *ret_size = (size_t)st.st_size;
    *ret = TAKE_PTR(text);
    return 0;
}

int kernel_dir_manifest(const struct kernel_dir *dir, struct kernel_manifest *ret, char **ret_why)
{
    _cleanup_free_ char *text = NULL, *why = NULL;
    size_t size;
    int r = kernel_dir_read(dir, KERNEL_MANIFEST, true, KERNEL_MANIFEST_MAX, &text, &size);

    if (r == -ENOENT)
        return 0;
    if (r >= 0)
        r = kernel_manifest_read(text, size, ret, &why);
    if (r < 0 && asprintf(ret_why, "kernel %s: its manifest cannot be used: %s", dir->name,
                          why ?: strerror(-r)) < 0)
        *ret_why = NULL;
    return r < 0 ? r : 1;
}
