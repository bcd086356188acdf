// SPDX-License-Identifier: LGPL-2.1-or-later
/* A VM's files in networkd's runtime directory: 50-vm-<uuid>-<nic>.netdev and .network. */
#include "generator/network-files.h"

#include "generator/run-file.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX "50-vm-"

const char *const network_config_dirs[] = {
    "/etc/systemd/network",     "/run/systemd/network", "/usr/local/lib/systemd/network",
    "/usr/lib/systemd/network", "/lib/systemd/network", NULL,
};

static void cleanup_closedir(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}

static int write_file(int dir_fd, const char *uuid, const struct nic *nic, const char *suffix,
                      enum network_port port)
{
    _cleanup_free_ char *text = NULL;
    char name[NAME_MAX];
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return -ENOMEM;
    if (!strcmp(suffix, ".netdev"))
        network_text_netdev(f, uuid, nic);
    else
        network_text_network(f, uuid, nic, port);
    if (fclose(f) != 0)
        return -ENOMEM;
    (void)snprintf(name, sizeof(name), PREFIX "%s-%s%s", uuid, nic->id, suffix);
    return run_file_write(dir_fd, name, text);
}

int network_files_write(int dir_fd, const char *uuid, const struct nic *nic, enum network_port port)
{
    /* The .network first: there is no moment at which networkd knows the link and not its place. */
    int r = write_file(dir_fd, uuid, nic, ".network", port);

    return r < 0 ? r : write_file(dir_fd, uuid, nic, ".netdev", port);
}

int network_files_drop_netdev(int dir_fd, const char *uuid, const struct nic *nic)
{
    char name[NAME_MAX];

    (void)snprintf(name, sizeof(name), PREFIX "%s-%s.netdev", uuid, nic->id);
    return unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int network_files_remove(int dir_fd, const char *uuid)
{
    _cleanup_(cleanup_closedir) DIR *dir = NULL;
    char prefix[64];
    struct dirent *entry;
    int fd, removed = 0, error = 0;

    (void)snprintf(prefix, sizeof(prefix), PREFIX "%s-", uuid);
    /* An open file description of its own: readdir() moves the offset. */
    fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int r = -errno;

        (void)close_fd(fd);
        return r;
    }
    while ((entry = readdir(dir))) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)))
            continue;
        if (unlinkat(dir_fd, entry->d_name, 0) == 0)
            removed++;
        else if (errno != ENOENT && error == 0)
            error = -errno;
    }
    return error < 0 ? error : removed;
}

/* Yields VALUE of a line "KEY = VALUE" trimmed, or NULL. */
static const char *line_value(char *line, const char *key)
{
    char *p = line + strspn(line, " \t"), *end;

    if (strncmp(p, key, strlen(key)))
        return NULL;
    p += strlen(key);
    p += strspn(p, " \t");
    if (*p++ != '=')
        return NULL;
    p += strspn(p, " \t");
    end = p + strlen(p);
    while (end > p && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return p;
}

static bool file_makes_bridge(int dir_fd, const char *file, const char *name)
{
    _cleanup_fclose_ FILE *f = NULL;
    bool is_bridge = false, is_name = false;
    char line[512];
    int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    f = fd < 0 ? NULL : fdopen(fd, "r");
    if (!f) {
        (void)close_fd(fd);
        return false;
    }
    while (fgets(line, sizeof(line), f)) {
        const char *value = line_value(line, "Name");

        if (value)
            is_name = !strcmp(value, name);
        value = line_value(line, "Kind");
        if (value)
            is_bridge = !strcmp(value, "bridge");
    }
    return is_bridge && is_name;
}

/* Whether a directory before the one at INDEX has the file, which hides it there. */
static bool is_hidden(const char *const *dirs, size_t index, const char *file)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < index; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dirs[i], file);
        if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return true;
    }
    return false;
}

bool network_files_make_bridge(const char *const *dirs, const char *name)
{
    for (size_t i = 0; dirs[i]; i++) {
        _cleanup_(cleanup_closedir) DIR *dir = opendir(dirs[i]);
        struct dirent *entry;

        while (dir && (entry = readdir(dir))) {
            const char *dot = strrchr(entry->d_name, '.');

            if (dot && !strcmp(dot, ".netdev") && !is_hidden(dirs, i, entry->d_name) &&
                file_makes_bridge(dirfd(dir), entry->d_name, name))
                return true;
        }
    }
    return false;
}

bool network_files_overridden(const char *const *dirs, size_t admin, const char *file,
                              char *ret_path)
{
    for (size_t i = 0; dirs[i]; i++) {
        char path[PATH_MAX];
        struct stat st;

        (void)snprintf(path, sizeof(path), "%s/%s", dirs[i], file);
        if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (i >= admin && (stat(path, &st) < 0 || !S_ISCHR(st.st_mode)))
            return false;
        memcpy(ret_path, path, strlen(path) + 1);
        return true;
    }
    return false;
}
