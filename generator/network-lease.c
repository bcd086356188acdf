// SPDX-License-Identifier: LGPL-2.1-or-later
/* A VM's address in networkd's DHCP server. */
#include "generator/network-lease.h"

#include "generator/run-file.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX "50-vm-"
#define SUFFIX ".conf"

void network_lease_text(FILE *f, const char *uuid, const struct nic *nic)
{
    char mac[MAC_TEXT_SIZE], address[IPV4_TEXT_SIZE];

    fprintf(f,
            "# The address of interface %s of volt-vm@%s.service. volt-net writes this file when\n"
            "# the VM starts; it stays for as long as an INI file describes the VM.\n"
            "[DHCPServerStaticLease]\n"
            "MACAddress=%s\n"
            "Address=%s\n",
            nic->id, uuid, mac_text(nic->mac, mac), ipv4_text(nic->ipv4, address));
}

static int open_drop_ins(int dir_fd, const char *file, bool create)
{
    char name[NAME_MAX + 8];
    int fd;

    (void)snprintf(name, sizeof(name), "%s.d", file);
    if (create && mkdirat(dir_fd, name, 0755) < 0 && errno != EEXIST)
        return -errno;
    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* networkd is not root, and the umask is the unit's. */
    if (fd >= 0 && create && fchmod(fd, 0755) < 0) {
        int r = -errno;

        (void)close(fd);
        return r;
    }
    return fd < 0 ? -errno : fd;
}

/* Returns whether it was written. */
static int write_drop_in(int dir_fd, const char *file, const char *name, const char *text)
{
    _cleanup_close_ int fd = open_drop_ins(dir_fd, file, true);
    int r;

    if (fd < 0)
        return TAKE_FD(fd);
    if (run_file_equals(fd, name, text))
        return 0;
    r = run_file_write(fd, name, text);
    return r < 0 ? r : 1;
}

int network_lease_write(int dir_fd, const char *file, const char *uuid, const struct nic *nic)
{
    _cleanup_free_ char *text = NULL;
    char name[NAME_MAX];
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return -ENOMEM;
    network_lease_text(f, uuid, nic);
    if (fclose(f) != 0)
        return -ENOMEM;
    (void)snprintf(name, sizeof(name), PREFIX "%s-%s" SUFFIX, uuid, nic->id);
    return write_drop_in(dir_fd, file, name, text);
}

int network_zone_write(int dir_fd, const struct network_found *found, const struct nic *nic)
{
    bool has_router = nic->gateway && !found->has_router,
         has_dns = nic->dns_count && !found->has_dns;
    _cleanup_free_ char *text = NULL;
    char address[IPV4_TEXT_SIZE];
    size_t size;
    FILE *f;

    if (!has_router && !has_dns)
        return 0;
    f = open_memstream(&text, &size);
    if (!f)
        return -ENOMEM;
    fprintf(
        f,
        "# What the zone%s%s tells guests. volt-net writes this file when a VM starts; what is\n"
        "# in a file of the administrator's comes before it.\n"
        "[DHCPServer]\n",
        nic->zone[0] ? " " : "", nic->zone);
    if (has_router)
        fprintf(f, "Router=%s\n", ipv4_text(nic->gateway, address));
    for (unsigned i = 0; has_dns && i < nic->dns_count; i++)
        fprintf(f, "DNS=%s\n", ipv4_text(nic->dns[i], address));
    if (fclose(f) != 0)
        return -ENOMEM;
    return write_drop_in(dir_fd, found->file, NETWORK_ZONE_DROP_IN, text);
}

/* Takes 50-vm-UUID-NIC.conf apart. */
static bool parse_name(const char *name, char uuid[37], char nic[NIC_ID_SIZE])
{
    size_t length = strlen(name), fixed = strlen(PREFIX) + 36 + 1;

    if (length <= fixed + strlen(SUFFIX) || strncmp(name, PREFIX, strlen(PREFIX)) ||
        strcmp(name + length - strlen(SUFFIX), SUFFIX) || name[fixed - 1] != '-' ||
        length - fixed - strlen(SUFFIX) >= NIC_ID_SIZE)
        return false;
    (void)snprintf(uuid, 37, "%.36s", name + strlen(PREFIX));
    (void)snprintf(nic, NIC_ID_SIZE, "%.*s", (int)(length - fixed - strlen(SUFFIX)), name + fixed);
    return uuid_is_valid(uuid) && nic_id_is_valid(nic);
}

static void read_text(int dir_fd, const char *name, char *text, size_t size)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

    text[n < 0 ? 0 : n] = '\0';
}

static int clean_one(int dir_fd, const char *file,
                     bool (*keep)(const struct network_lease *lease, void *data), void *data)
{
    int fd = open_drop_ins(dir_fd, file, false), removed = 0, error = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir) {
        (void)close_fd(fd);
        return fd < 0 ? fd : -ENOMEM;
    }
    while ((entry = readdir(dir))) {
        char uuid[37], nic[NIC_ID_SIZE], text[1024];
        struct network_lease lease = {.file = file, .uuid = uuid, .nic = nic, .text = text};

        if (!parse_name(entry->d_name, uuid, nic))
            continue;
        read_text(fd, entry->d_name, text, sizeof(text));
        if (keep(&lease, data))
            continue;
        if (unlinkat(fd, entry->d_name, 0) == 0)
            removed++;
        else if (errno != ENOENT && error == 0)
            error = -errno;
    }
    (void)closedir(dir);
    return error < 0 ? error : removed;
}

int network_lease_clean(int dir_fd, bool (*keep)(const struct network_lease *lease, void *data),
                        void *data)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), removed = 0, error = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir) {
        (void)close_fd(fd);
        return -ENOMEM;
    }
    while ((entry = readdir(dir))) {
        size_t length = strlen(entry->d_name);
        char file[NAME_MAX + 1];
        int r;

        if (length <= strlen(".network.d") ||
            strcmp(entry->d_name + length - strlen(".network.d"), ".network.d"))
            continue;
        (void)snprintf(file, sizeof(file), "%.*s", (int)(length - strlen(".d")), entry->d_name);
        r = clean_one(dir_fd, file, keep, data);
        removed += r > 0 ? r : 0;
        error = error < 0 || r >= 0 || r == -ENOTDIR ? error : r;
        /* The last one out; a directory with somebody's file in it stays. */
        if (r > 0)
            (void)unlinkat(dir_fd, entry->d_name, AT_REMOVEDIR);
    }
    (void)closedir(dir);
    return error < 0 ? error : removed;
}
