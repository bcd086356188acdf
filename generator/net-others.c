// SPDX-License-Identifier: LGPL-2.1-or-later
/* The other VMs that run on this host, by what their `volt-net up` wrote down. */
#include "generator/net-others.h"

#include "generator/net-state.h"
#include "generator/run-dir.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define RETRY_MS    20
#define ANNOUNCE_MS 2000 /* for others that look whether it is held */

static int open_state(const char *state_dir, const char *uuid, bool create)
{
    char path[PATH_MAX];

    if ((size_t)snprintf(path, sizeof(path), "%s/%s", state_dir, uuid) >= sizeof(path))
        return -ENAMETOOLONG;
    return run_dir_open(path, create);
}

static int lock_dir(int dir_fd, int timeout_ms)
{
    _cleanup_close_ int fd = dir_fd;

    if (fd < 0)
        return fd;
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK || timeout_ms <= 0)
            return errno == EWOULDBLOCK ? -ETIMEDOUT : -errno;
        (void)nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * 1000000L}, NULL);
        timeout_ms -= RETRY_MS;
    }
    return TAKE_FD(fd);
}

int net_others_lock(const char *state_dir, int timeout_ms)
{
    _cleanup_close_ int fd = run_dir_open(state_dir, true);

    /* Whoever could open it could lock it, too. */
    if (fd >= 0 && fchmod(fd, 0700) < 0)
        return -errno;
    return lock_dir(TAKE_FD(fd), timeout_ms);
}

int net_others_announce(const char *state_dir, const char *uuid)
{
    return lock_dir(open_state(state_dir, uuid, true), ANNOUNCE_MS);
}

bool net_others_starting(const char *state_dir, const char *uuid)
{
    _cleanup_close_ int fd = open_state(state_dir, uuid, false);

    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static bool is_running(struct rtnl *rtnl, const char *state_dir, const char *uuid,
                       const struct nic *nics, size_t n)
{
    struct rtnl_link link;

    for (size_t i = 0; i < n; i++)
        if (rtnl_link_get(rtnl, nics[i].tap, &link) >= 0)
            return true;
    return net_others_starting(state_dir, uuid);
}

bool net_others_running(struct rtnl *rtnl, const char *state_dir, const char *uuid)
{
    struct nic nics[NIC_MAX];
    size_t n = 0;

    (void)net_state_load(state_dir, uuid, nics, &n);
    return is_running(rtnl, state_dir, uuid, nics, n);
}

bool net_others_find(struct rtnl *rtnl, const char *state_dir, const char *uuid, const char *text,
                     bool (*same)(const struct nic *other, const struct nic *nic),
                     const struct nic *nic, struct zone_owner *ret)
{
    DIR *dir = opendir(state_dir);
    struct dirent *entry;
    bool found = false;

    while (dir && !found && (entry = readdir(dir))) {
        struct nic nics[NIC_MAX];
        size_t n = 0;

        if (!uuid_is_valid(entry->d_name) || !strcasecmp(entry->d_name, uuid) ||
            !net_state_mentions(dirfd(dir), entry->d_name, text))
            continue;
        (void)net_state_load(state_dir, entry->d_name, nics, &n);
        for (size_t i = 0; i < n && !found; i++)
            if (same(&nics[i], nic) && is_running(rtnl, state_dir, entry->d_name, nics, n)) {
                memcpy(ret->uuid, entry->d_name, sizeof(ret->uuid)); /* it is valid: it fits */
                memcpy(ret->nic, nics[i].id, sizeof(ret->nic));
                found = true;
            }
    }
    if (dir)
        (void)closedir(dir);
    return found;
}
