// SPDX-License-Identifier: LGPL-2.1-or-later
/* What `volt-net up` made, kept for `volt-net down`: /run/volt/vm/<uuid>/taps. */
#include "generator/net-state.h"

#include "generator/run-dir.h"
#include "generator/run-file.h"

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

/* In the words of --nic. An address that was taken from a pool is the only one of its pool. */
static void write_nic(FILE *f, const struct nic *nic)
{
    char mac[MAC_TEXT_SIZE], address[IPV4_TEXT_SIZE];

    fprintf(f, "%s,tap=%s,queues=%u", nic->id, nic->tap, nic->queues);
    if (nic->bridge[0])
        fprintf(f, ",bridge=%s", nic->bridge);
    if (nic->has_mac)
        fprintf(f, ",mac=%s", mac_text(nic->mac, mac));
    if (nic->zone[0])
        fprintf(f, ",zone=%s", nic->zone);
    if (nic->ipv4 && nic->ipv4_is_auto)
        fprintf(f, ",ipv4=auto/%u,pool=%s", nic->prefix, ipv4_text(nic->ipv4, address));
    else if (nic->ipv4)
        fprintf(f, ",ipv4=%s/%u", ipv4_text(nic->ipv4, address), nic->prefix);
    if (nic->mtu > 0)
        fprintf(f, ",mtu=%u", nic->mtu);
    if (nic->isolated)
        fputs(",isolated=yes", f);
    if (nic->antispoof)
        fputs(",antispoof=yes", f);
    if (nic->rate > 0)
        fprintf(f, ",rate=%u", nic->rate);
    fputc('\n', f);
}

int net_state_save(const char *dir, const char *uuid, const struct nic *nics, size_t n)
{
    _cleanup_close_ int dir_fd = state_dir_open(dir, uuid, true);
    _cleanup_free_ char *text = NULL;
    size_t size;
    FILE *f;

    if (dir_fd < 0)
        return dir_fd;
    f = open_memstream(&text, &size);
    if (!f)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        write_nic(f, &nics[i]);
    if (fclose(f) != 0)
        return -ENOMEM;
    return run_file_write(dir_fd, FILE_NAME, text);
}

static int read_nic(char *line, struct nic *ret)
{
    _cleanup_free_ char *error = NULL;
    uint32_t last;
    int r;

    line[strcspn(line, "\n")] = '\0';
    r = nic_parse(line, ret, &error);
    if (r >= 0 && ret->ipv4_is_auto)
        r = nic_pool_next(&ret->pool, &ret->ipv4, &last);
    ret->pool = NULL; /* the line's */
    return r;
}

int net_state_load(const char *dir, const char *uuid, struct nic *nics, size_t *ret_n)
{
    _cleanup_close_ int dir_fd = state_dir_open(dir, uuid, false);
    _cleanup_fclose_ FILE *f = NULL;
    char line[512];
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
    while (fgets(line, sizeof(line), f))
        if (n == NIC_MAX || read_nic(line, &nics[n]) < 0)
            r = -EBADMSG;
        else
            n++;
    *ret_n = n;
    return r;
}

bool net_state_mentions(int parent_fd, const char *uuid, const char *text)
{
    _cleanup_close_ int fd = -EBADF;
    char path[NAME_MAX], content[4096];
    ssize_t n;

    (void)snprintf(path, sizeof(path), "%s/" FILE_NAME, uuid);
    fd = openat(parent_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno != ENOENT;
    n = read(fd, content, sizeof(content));
    return n < 0 || n == sizeof(content) || memmem(content, (size_t)n, text, strlen(text));
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
