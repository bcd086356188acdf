// SPDX-License-Identifier: LGPL-2.1-or-later
/* What `volt-net up` made, kept for `volt-net down`: /run/volt/vm/<uuid>/taps. */
#include "generator/net-state.h"

#include "generator/run-dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define FILE_NAME "taps"

static int state_dir_open(const char *dir, const char *uuid, bool create)
{
    char path[PATH_MAX];

    if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, uuid) >= sizeof(path))
        return -ENAMETOOLONG;
    return run_dir_open(path, create);
}

int net_state_save(const char *dir, const char *uuid, const struct nic *nics, size_t n)
{
    _cleanup_close_ int dir_fd = state_dir_open(dir, uuid, true);
    _cleanup_fclose_ FILE *f = NULL;
    int fd;

    if (dir_fd < 0)
        return dir_fd;
    (void)unlinkat(dir_fd, FILE_NAME ".tmp", 0);
    fd = openat(dir_fd, FILE_NAME ".tmp", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                0644);
    f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f) {
        int r = -errno;

        (void)close_fd(fd);
        return r;
    }
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%s,tap=%s,queues=%u\n", nics[i].id, nics[i].tap, nics[i].queues);
    if (fflush(f) != 0 || ferror(f) || renameat(dir_fd, FILE_NAME ".tmp", dir_fd, FILE_NAME) < 0)
        return errno > 0 ? -errno : -EIO;
    return 0;
}

int net_state_load(const char *dir, const char *uuid, struct nic *nics, size_t *ret_n)
{
    _cleanup_close_ int dir_fd = state_dir_open(dir, uuid, false);
    _cleanup_fclose_ FILE *f = NULL;
    char line[256];
    size_t n = 0;
    int fd, r = 0;

    if (dir_fd < 0)
        return dir_fd;
    fd = openat(dir_fd, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    f = fd < 0 ? NULL : fdopen(fd, "r");
    if (!f) {
        r = -errno;
        (void)close_fd(fd);
        return r;
    }
    while (fgets(line, sizeof(line), f)) {
        _cleanup_free_ char *error = NULL;

        line[strcspn(line, "\n")] = '\0';
        if (n == NIC_MAX || nic_parse(line, &nics[n], &error) < 0)
            r = -EBADMSG;
        else
            n++;
    }
    *ret_n = n;
    return r;
}

int net_state_remove(const char *dir, const char *uuid)
{
    _cleanup_close_ int parent = run_dir_open(dir, false);
    int dir_fd = state_dir_open(dir, uuid, false);
    DIR *d = dir_fd < 0 ? NULL : fdopendir(dir_fd);
    struct dirent *entry;
    int r = 0;

    if (parent < 0)
        return parent == -ENOENT ? 0 : parent;
    if (!d) {
        (void)close_fd(dir_fd);
        return dir_fd == -ENOENT ? 0 : dir_fd < 0 ? dir_fd : -ENOMEM;
    }
    while ((entry = readdir(d)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
            unlinkat(dir_fd, entry->d_name, 0) < 0 && errno != ENOENT && r == 0)
            r = -errno;
    (void)closedir(d);
    if (unlinkat(parent, uuid, AT_REMOVEDIR) < 0 && errno != ENOENT && r == 0)
        r = -errno;
    return r;
}
