/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads credentials before the lock-down and forgets them once the guest has them. */
#include "vmm/credentials.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "vmm/fd-store.h"
#include "vmm/log.h"

/* As systemd's credential_name_valid(); and without '=', at which SMBIOS strings are split. */
static bool name_is_valid(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > CREDENTIAL_NAME_MAX || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0)
        return false;
    for (const char *p = name; *p; p++)
        if (*p < ' ' || *p > '~' || strchr("/:=", *p))
            return false;
    return true;
}

static void wipe(void *data, size_t size)
{
    if (!data)
        return;
    explicit_bzero(data, size);
    free(data);
}

int credentials_add(struct credentials *credentials, const char *name, const void *data,
                    size_t size)
{
    if (!name_is_valid(name))
        return log_errno(-EINVAL, "'%s' is no name for a credential", name);
    for (unsigned i = 0; i < credentials->n; i++)
        if (strcmp(credentials->entries[i].name, name) == 0)
            return log_errno(-EEXIST, "There are two credentials called '%s'", name);
    if (credentials->n == SMBIOS_CREDENTIALS_MAX)
        return log_errno(-E2BIG, "There are too many credentials: %d is the most",
                         SMBIOS_CREDENTIALS_MAX);
    if (size > CREDENTIAL_SIZE_MAX)
        return log_errno(-E2BIG, "The credential '%s' is larger than %d KiB", name,
                         CREDENTIAL_SIZE_MAX / 1024);

    struct smbios_credential new = {.name = strdup(name), .data = malloc(size + 1), .size = size};
    if (!new.name || !new.data) {
        free(new.name);
        free(new.data);
        return -ENOMEM;
    }
    if (size > 0)
        memcpy(new.data, data, size);
    credentials->entries[credentials->n++] = new;
    return 0;
}

/* Adds what FD holds. */
static int add_file(struct credentials *credentials, const char *name, int fd)
{
    size_t room = CREDENTIAL_SIZE_MAX + 1, size = 0; /* one more, which is too large */
    uint8_t *data = malloc(room);
    ssize_t n;
    int r;

    if (!data)
        return -ENOMEM;
    do {
        n = read(fd, data + size, room - size);
        if (n > 0)
            size += (size_t)n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    r = n < 0 ? log_errno(-errno, "Cannot read the credential '%s': %m", name)
              : credentials_add(credentials, name, data, size);
    wipe(data, size);
    return r;
}

static int load_one(struct credentials *credentials, int directory, const char *name)
{
    struct stat st;
    _cleanup_close_ int fd =
        openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);

    if (fd < 0 || fstat(fd, &st) < 0)
        return log_errno(-errno, "Cannot open the credential '%s': %m", name);
    if (!S_ISREG(st.st_mode))
        return log_errno(-EINVAL, "The credential '%s' is not a regular file", name);
    return add_file(credentials, name, fd);
}

static void close_directory(DIR **directory)
{
    if (*directory)
        (void)closedir(*directory);
}

int credentials_load(struct credentials *credentials)
{
    const char *path = getenv("CREDENTIALS_DIRECTORY");
    int r = 0;

    if (!path || path[0] == '\0')
        return 0;
    _cleanup_(close_directory) DIR *directory = opendir(path);
    if (!directory)
        return log_errno(-errno, "Cannot open the credentials' directory '%s': %m", path);
    while (r >= 0) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry)
            return errno == 0 ? 0 : log_errno(-errno, "Cannot read the credentials' directory: %m");
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = load_one(credentials, dirfd(directory), entry->d_name);
    }
    return r;
}

int credentials_add_option(struct credentials *credentials, const char *argument,
                           struct fd_store *store)
{
    const char *comma = strchr(argument, ',');
    char name[CREDENTIAL_NAME_MAX + 1];

    if (comma && (size_t)(comma - argument) < sizeof(name)) {
        (void)snprintf(name, sizeof(name), "%.*s", (int)(comma - argument), argument);
        if (strncmp(comma, ",text=", 6) == 0)
            return credentials_add(credentials, name, comma + 6, strlen(comma + 6));
        if (strncmp(comma, ",file=", 6) == 0) {
            _cleanup_close_ int fd = fd_store_open(store, comma + 6, O_RDONLY, "credential");

            return fd < 0 ? fd : add_file(credentials, name, fd);
        }
    }
    /* What stands there may be a secret. */
    return log_errno(-EINVAL, "A --credential= is neither NAME,file=FILE nor NAME,text=TEXT");
}

void credentials_done(struct credentials *credentials)
{
    for (unsigned i = 0; i < credentials->n; i++) {
        free(credentials->entries[i].name);
        wipe(credentials->entries[i].data, credentials->entries[i].size);
    }
    *credentials = (struct credentials){0};
}
