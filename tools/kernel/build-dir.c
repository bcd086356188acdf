/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Directories of builds: found again, locked, thrown away. */
#include "tools/kernel/build-dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "tools/kernel/make-directories.h"
#include "tools/kernel/remove-tree.h"
#include "tools/kernel/why.h"

/* Holds the ID of the machine's boot in which something is being built there. */
#define BUSY ".busy"
/* What is being removed. */
#define GONE ".gone"

enum { BOOT_ID_SIZE = 37 };

static void read_boot_id(char ret[static BOOT_ID_SIZE])
{
    _cleanup_fclose_ FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

    if (!f || !fgets(ret, BOOT_ID_SIZE, f))
        ret[0] = '\0';
}

static int lock(const char *path, bool wait, void (*waiting)(void), int *ret_fd)
{
    struct stat mine, there;

    for (;;) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
            return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            if (errno != EWOULDBLOCK || !wait)
                return -errno;
            if (waiting)
                waiting();
            waiting = NULL;
            while (flock(fd, LOCK_EX) < 0)
                if (errno != EINTR)
                    return -errno;
        }
        if (fstat(fd, &mine) < 0)
            return -errno;
        /* Whoever had it may have removed it. */
        if (stat(path, &there) == 0 && there.st_ino == mine.st_ino && there.st_dev == mine.st_dev) {
            *ret_fd = TAKE_FD(fd);
            return 0;
        }
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            return -errno;
    }
}

/* Half of it has another name. */
static int remove_whole(int dir_fd, const char *name)
{
    int r = remove_tree(dir_fd, GONE);

    if (r >= 0 && renameat(dir_fd, name, dir_fd, GONE) < 0)
        return errno == ENOENT ? 0 : -errno;
    return r < 0 ? r : remove_tree(dir_fd, GONE);
}

/* A file whose data never reached the disk looks made to make(1). */
static int drop_unsettled(struct build_dir *dir)
{
    char now[BOOT_ID_SIZE], then[BOOT_ID_SIZE] = "";
    _cleanup_close_ int fd = openat(dir->fd, BUSY, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    read_boot_id(now);
    if (read(fd, then, sizeof(then) - 1) < 0)
        return -errno;
    return *now && strcmp(now, then) == 0 ? 0 : remove_whole(dir->fd, "objects");
}

static int mark_busy(const struct build_dir *dir)
{
    char now[BOOT_ID_SIZE];
    _cleanup_close_ int fd =
        openat(dir->fd, BUSY, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

    read_boot_id(now);
    if (fd < 0 || write(fd, now, strlen(now)) < 0 || fsync(fd) < 0 || fsync(dir->fd) < 0)
        return -errno;
    return 0;
}

int build_dir_open(const char *root, const char *name, void (*waiting)(void), struct build_dir *ret,
                   char **ret_why)
{
    struct build_dir dir = {.fd = -EBADF};

    if ((size_t)snprintf(dir.path, sizeof(dir.path), "%s" BUILD_CACHE "/%s", root, name) >=
        sizeof(dir.path))
        return why(ret_why, -ENAMETOOLONG, "%s: the name is too long", root);
    int r = make_directories(dir.path);
    if (r >= 0)
        r = lock(dir.path, true, waiting, &dir.fd);
    if (r >= 0)
        r = drop_unsettled(&dir);
    if (r >= 0)
        r = mark_busy(&dir);
    if (r < 0) {
        build_dir_done(&dir);
        return why(ret_why, r, "cannot build in %s: %s%s", dir.path, strerror(-r),
                   r == -EACCES ? "; this is for root" : "");
    }
    dir.resumed = build_dir_has(&dir, "objects/.config");
    *ret = dir;
    return 0;
}

void build_dir_done(struct build_dir *dir)
{
    dir->fd = close_fd(dir->fd);
}

int build_dir_remove(const struct build_dir *dir, const char *name, char **ret_why)
{
    int r = remove_whole(dir->fd, name);

    return r < 0 ? why(ret_why, r, "cannot remove %s/%s: %s", dir->path, name, strerror(-r)) : 0;
}

int build_dir_rename(const struct build_dir *dir, const char *from, const char *to, char **ret_why)
{
    if (syncfs(dir->fd) < 0 || renameat(dir->fd, from, dir->fd, to) < 0 || fsync(dir->fd) < 0)
        return why(ret_why, -errno, "cannot make %s/%s: %s", dir->path, to, strerror(errno));
    return 0;
}

int build_dir_write(const struct build_dir *dir, const char *name, const char *text, char **ret_why)
{
    _cleanup_close_ int fd =
        openat(dir->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    size_t size = strlen(text);

    if (fd >= 0 && write(fd, text, size) == (ssize_t)size)
        return 0;
    return why(ret_why, fd < 0 ? -errno : -EIO, "cannot write %s/%s", dir->path, name);
}

bool build_dir_has(const struct build_dir *dir, const char *name)
{
    return faccessat(dir->fd, name, F_OK, 0) == 0;
}

int build_dir_settle(const struct build_dir *dir, char **ret_why)
{
    if (syncfs(dir->fd) < 0 || (unlinkat(dir->fd, BUSY, 0) < 0 && errno != ENOENT))
        return why(ret_why, -errno, "%s: %s", dir->path, strerror(errno));
    return 0;
}

int build_dir_clean(const char *root, unsigned *ret_count, char **ret_why)
{
    char path[PATH_MAX];
    const struct dirent *entry;
    int r = 0;

    *ret_count = 0;
    (void)snprintf(path, sizeof(path), "%s" BUILD_CACHE, root);
    DIR *cache = opendir(path);
    if (!cache)
        return errno == ENOENT ? 0 : why(ret_why, -errno, "cannot read %s: %m", path);
    while (r >= 0 && (errno = 0, entry = readdir(cache))) {
        _cleanup_close_ int fd = -EBADF;
        char one[PATH_MAX + 256];

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(one, sizeof(one), "%s/%s", path, entry->d_name);
        r = lock(one, false, NULL, &fd);
        if (r == -EWOULDBLOCK || r == -ENOTDIR || r == -ELOOP) {
            r = 0;
            continue;
        }
        if (r >= 0)
            r = remove_whole(fd, "source");
        if (r >= 0)
            r = remove_whole(fd, "objects");
        if (r >= 0)
            r = remove_tree(dirfd(cache), entry->d_name);
        *ret_count += r >= 0;
    }
    (void)closedir(cache);
    return r < 0 ? why(ret_why, r, "cannot clean %s: %s", path, strerror(-r)) : 0;
}
