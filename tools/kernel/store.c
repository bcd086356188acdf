/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changes /var/lib/volt/kernels. */
#include "tools/kernel/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "tools/kernel/make-directories.h"
#include "tools/kernel/remove-tree.h"
#include "tools/kernel/why.h"

#define LOCK       ".lock"
#define OLD_SUFFIX ".old"
#define NEW_SUFFIX ".new"
/* A name, a '.' in front, a suffix. */
#define HIDDEN_SIZE (KERNEL_NAME_MAX + 8)

static void hidden_name(const char *name, const char *suffix, char ret[static HIDDEN_SIZE])
{
    (void)snprintf(ret, HIDDEN_SIZE, ".%s%s", name, suffix);
}

static int lock(struct store *store, void (*waiting)(void))
{
    store->lock_fd = openat(store->dir_fd, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (store->lock_fd < 0)
        return -errno;
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno != EWOULDBLOCK)
        return -errno;
    waiting();
    while (flock(store->lock_fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

int store_open(const char *root, void (*waiting)(void), struct store *ret, char **ret_why)
{
    struct store store = {.root = root, .dir_fd = -EBADF, .lock_fd = -EBADF};
    char path[PATH_MAX];
    int r = 0;

    if ((size_t)snprintf(path, sizeof(path), "%s%s", root, VOLT_KERNEL_DIR) >= sizeof(path))
        return why(ret_why, -ENAMETOOLONG, "%s: the name is too long", root);
    store.dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store.dir_fd < 0 && errno == ENOENT) {
        r = make_directories(path);
        store.dir_fd = r < 0 ? -EBADF : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (r >= 0)
        r = store.dir_fd < 0 ? -errno : lock(&store, waiting);
    if (r >= 0) {
        *ret = store;
        return 0;
    }
    store_done(&store);
    return why(ret_why, r, "cannot write to %s: %s%s", path, strerror(-r),
               r == -EACCES || r == -EPERM ? "; this is for root" : "");
}

void store_done(struct store *store)
{
    store->lock_fd = close_fd(store->lock_fd);
    store->dir_fd = close_fd(store->dir_fd);
}

/* Makes the change in the store's directory last. */
static int store_sync(const struct store *store)
{
    return fsync(store->dir_fd) < 0 ? -errno : 0;
}

int stage_open(const struct store *store, const char *name, struct stage *ret, char **ret_why)
{
    char hidden[HIDDEN_SIZE];
    int r;

    *ret = (struct stage){.store = store, .fd = -EBADF};
    (void)snprintf(ret->name, sizeof(ret->name), "%s", name);
    hidden_name(name, NEW_SUFFIX, hidden);
    r = remove_tree(store->dir_fd, hidden);
    if (r >= 0 && mkdirat(store->dir_fd, hidden, 0700) < 0)
        r = -errno;
    if (r >= 0) {
        ret->fd = openat(store->dir_fd, hidden, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        r = ret->fd < 0 || fchmod(ret->fd, 0755) < 0 ? -errno : 0;
    }
    return r < 0 ? why(ret_why, r, "cannot make %s/%s: %s", VOLT_KERNEL_DIR, hidden, strerror(-r))
                 : 0;
}

/* What still has the name of something unfinished is that, or what was replaced. */
void stage_done(struct stage *stage)
{
    char hidden[HIDDEN_SIZE];

    if (stage->fd < 0)
        return;
    stage->fd = close_fd(stage->fd);
    hidden_name(stage->name, NEW_SUFFIX, hidden);
    (void)remove_tree(stage->store->dir_fd, hidden);
}

int stage_commit(struct stage *stage, bool replace, char **ret_why)
{
    const struct store *store = stage->store;
    _cleanup_free_ char *text = NULL;
    char hidden[HIDDEN_SIZE];
    struct stat st;
    size_t size;
    int r;

    FILE *f = open_memstream(&text, &size);
    if (!f)
        return -ENOMEM;
    kernel_manifest_write(f, &stage->manifest);
    if (fclose(f) != 0)
        return -ENOMEM;
    r = stage_text(stage, KERNEL_FILES, text, ret_why);
    if (r < 0)
        return r;
    replace = replace && fstatat(store->dir_fd, stage->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    hidden_name(stage->name, NEW_SUFFIX, hidden);
    r = fsync(stage->fd) < 0 || renameat2(store->dir_fd, hidden, store->dir_fd, stage->name,
                                          replace ? RENAME_EXCHANGE : RENAME_NOREPLACE) < 0
            ? -errno
            : 0;
    if (r >= 0)
        r = store_sync(store);
    if (r == -EEXIST)
        return why(ret_why, r, "there is a kernel %s already; --replace puts this one in its place",
                   stage->name);
    return r < 0 ? why(ret_why, r, "cannot put %s in its place: %s", stage->name,
                       r == -EINVAL ? "this file system cannot do that at once" : strerror(-r))
                 : 0;
}

int store_remove(const struct store *store, const char *name, char **ret_why)
{
    char hidden[HIDDEN_SIZE];
    int r;

    hidden_name(name, OLD_SUFFIX, hidden);
    r = remove_tree(store->dir_fd, hidden);
    /* From here on it is no kernel any more; the rest can be interrupted. */
    if (r >= 0 && renameat(store->dir_fd, name, store->dir_fd, hidden) < 0)
        r = -errno;
    if (r >= 0)
        r = store_sync(store);
    if (r >= 0)
        r = remove_tree(store->dir_fd, hidden);
    return r < 0 ? why(ret_why, r, "cannot remove %s/%s: %s", VOLT_KERNEL_DIR, name, strerror(-r))
                 : 0;
}

int store_set_default(const struct store *store, const char *name, char **ret_why)
{
    char hidden[HIDDEN_SIZE], target[KERNEL_NAME_MAX + 1];
    struct stat st;
    int r;

    hidden_name(KERNEL_DEFAULT, NEW_SUFFIX, hidden);
    /* A directory of that name, made by hand, is not ours to take away. */
    if (fstatat(store->dir_fd, KERNEL_DEFAULT, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        !S_ISLNK(st.st_mode))
        return why(ret_why, -EEXIST,
                   "%s/" KERNEL_DEFAULT " is no link; give what it is another name first",
                   VOLT_KERNEL_DIR);
    r = remove_tree(store->dir_fd, hidden);
    if (r >= 0 && !name)
        r = unlinkat(store->dir_fd, KERNEL_DEFAULT, 0) < 0 && errno != ENOENT ? -errno : 0;
    if (r >= 0 && name &&
        !(kernel_store_link(store->root, KERNEL_LAYER_LOCAL, KERNEL_DEFAULT, target) >= 0 &&
          !strcmp(target, name)))
        r = symlinkat(name, store->dir_fd, hidden) < 0 ||
                    renameat(store->dir_fd, hidden, store->dir_fd, KERNEL_DEFAULT) < 0
                ? -errno
                : 0;
    if (r >= 0)
        r = store_sync(store);
    return r < 0 ? why(ret_why, r, "cannot change the default: %s", strerror(-r)) : 0;
}

static bool is_left_behind(const char *name)
{
    size_t length = strlen(name);

    return name[0] == '.' && length > strlen(NEW_SUFFIX) &&
           (!strcmp(name + length - strlen(NEW_SUFFIX), NEW_SUFFIX) ||
            !strcmp(name + length - strlen(OLD_SUFFIX), OLD_SUFFIX));
}

int store_clean(const struct store *store, unsigned *ret_count, char **ret_why)
{
    int fd = openat(store->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    unsigned count = 0;

    if (!dir) {
        r = -errno;
        (void)close_fd(fd);
    }
    while (dir && r >= 0 && (errno = 0, entry = readdir(dir))) {
        if (!is_left_behind(entry->d_name))
            continue;
        r = remove_tree(store->dir_fd, entry->d_name);
        count++;
    }
    if (r >= 0 && errno != 0)
        r = -errno;
    if (dir)
        (void)closedir(dir);
    if (r < 0)
        return why(ret_why, r, "cannot clean %s: %s", VOLT_KERNEL_DIR, strerror(-r));
    *ret_count = count;
    return 0;
}
