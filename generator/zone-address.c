// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which VM has which address of a zone: files /var/lib/volt/zones/ZONE/ADDRESS. */
#include "generator/zone-address.h"

#include "generator/run-dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int zone_address_open(const char *dir, const char *zone, bool create)
{
    _cleanup_close_ int parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd;

    if (parent < 0 && errno == ENOENT && create)
        parent = run_dir_open(dir, true);
    else if (parent < 0)
        parent = -errno;
    if (parent < 0)
        return TAKE_FD(parent);
    if (create && mkdirat(parent, zone, 0755) < 0 && errno != EEXIST)
        return -errno;
    fd = openat(parent, zone, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

bool zone_owner_equal(const struct zone_owner *a, const struct zone_owner *b)
{
    return !strcasecmp(a->uuid, b->uuid) && !strcmp(a->nic, b->nic);
}

static bool read_owner(const char *text, struct zone_owner *ret)
{
    char uuid[UUID_SIZE], nic[NIC_ID_SIZE];

    if (sscanf(text, "%36s %15s", uuid, nic) != 2 || !uuid_is_valid(uuid) || !nic_id_is_valid(nic))
        return false;
    memcpy(ret->uuid, uuid, sizeof(uuid));
    memcpy(ret->nic, nic, sizeof(nic));
    return true;
}

int zone_address_owner(int dir_fd, uint32_t address, struct zone_owner *ret)
{
    _cleanup_close_ int fd = -EBADF;
    char name[IPV4_TEXT_SIZE], text[80];
    ssize_t n;

    fd = openat(dir_fd, ipv4_text(address, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    n = read(fd, text, sizeof(text) - 1);
    if (n < 0)
        return -errno;
    text[n] = '\0';
    return read_owner(text, ret);
}

/* The text is on the disk before the name is: link() makes it appear whole. */
static int write_temporary(int dir_fd, const char *name, const struct zone_owner *owner)
{
    _cleanup_close_ int fd = -EBADF;

    (void)unlinkat(dir_fd, name, 0);
    fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    return dprintf(fd, "%s %s\n", owner->uuid, owner->nic) < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int give_name(int dir_fd, const char *temporary, const char *name)
{
    return linkat(dir_fd, temporary, dir_fd, name, 0) < 0 ? -errno : 0;
}

int zone_address_take(int dir_fd, uint32_t address, const struct zone_owner *owner)
{
    char name[IPV4_TEXT_SIZE], temporary[UUID_SIZE + NIC_ID_SIZE + 8];
    struct zone_owner other;
    int r;

    (void)ipv4_text(address, name);
    (void)snprintf(temporary, sizeof(temporary), ".%s.%s", owner->uuid, owner->nic);
    r = zone_address_owner(dir_fd, address, &other);
    if (r > 0)
        return zone_owner_equal(&other, owner) ? 0 : -EEXIST;
    if (r == 0)
        r = write_temporary(dir_fd, temporary, owner);
    if (r >= 0)
        r = give_name(dir_fd, temporary, name);
    /* Only what makes no sense may go: somebody else's may have appeared meanwhile. */
    if (r == -EEXIST && zone_address_owner(dir_fd, address, &other) == 0 &&
        zone_address_drop(dir_fd, address) >= 0)
        r = give_name(dir_fd, temporary, name);
    (void)unlinkat(dir_fd, temporary, 0);
    return r < 0 ? r : fsync(dir_fd) < 0 ? -errno : 0;
}

int zone_address_drop(int dir_fd, uint32_t address)
{
    char name[IPV4_TEXT_SIZE];

    return unlinkat(dir_fd, ipv4_text(address, name), 0) < 0 && errno != ENOENT ? -errno : 0;
}

static bool pool_has(const char *pool, uint32_t address)
{
    uint32_t first, last;

    while (nic_pool_next(&pool, &first, &last) > 0)
        if (address >= first && address <= last)
            return true;
    return false;
}

int zone_address_find(int dir_fd, const struct zone_owner *owner, const char *pool,
                      uint32_t *ret_address)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct zone_owner other;
    struct dirent *entry;
    uint32_t address, best = 0;

    if (!dir) {
        int r = -errno;

        (void)close_fd(fd);
        return r;
    }
    while ((entry = readdir(dir)))
        if (ipv4_parse(entry->d_name, &address) == 0 && (best == 0 || address < best) &&
            (!pool || pool_has(pool, address)) && zone_address_owner(dir_fd, address, &other) > 0 &&
            zone_owner_equal(&other, owner))
            best = address;
    (void)closedir(dir);
    if (best == 0)
        return 0;
    *ret_address = best;
    return 1;
}
