/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two places that unit files go to: a directory, and a person's terminal. */
#include "generator/unit-sink.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* Makes the directory part of NAME; one level is all that units need. */
static int make_parent(int dir_fd, const char *name)
{
    const char *slash = strrchr(name, '/');
    char parent[NAME_MAX + 1];

    if (!slash)
        return 0;
    if ((size_t)(slash - name) >= sizeof(parent))
        return -ENAMETOOLONG;
    memcpy(parent, name, (size_t)(slash - name));
    parent[slash - name] = '\0';
    return mkdirat(dir_fd, parent, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, text, size);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            text += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static int directory_file(void *user, const char *name, const char *text, size_t size)
{
    const char *slash = strrchr(name, '/');
    int dir_fd = *(const int *)user, directory = slash ? (int)(slash + 1 - name) : 0, r;
    _cleanup_close_ int fd = -EBADF;
    char temporary[PATH_MAX];

    r = make_parent(dir_fd, name);
    if (r < 0)
        return r;
    /* Hidden, and without a unit's suffix: systemd does not look at it. */
    (void)snprintf(temporary, sizeof(temporary), "%.*s.volt-new", directory, name);
    fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    r = write_all(fd, text, size);
    if (r >= 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
        r = -errno;
    if (r < 0)
        (void)unlinkat(dir_fd, temporary, 0);
    return r;
}

static int directory_link(void *user, const char *name, const char *target)
{
    int dir_fd = *(const int *)user, r = make_parent(dir_fd, name);

    if (r < 0)
        return r;
    return symlinkat(target, dir_fd, name) < 0 && errno != EEXIST ? -errno : 0;
}

struct unit_sink unit_sink_directory(int *dir_fd)
{
    return (struct unit_sink){.file = directory_file, .link = directory_link, .user = dir_fd};
}

static int print_file(void *user, const char *name, const char *text, size_t size)
{
    FILE *f = user;

    (void)fprintf(f, "# ==> %s\n", name);
    (void)fwrite(text, 1, size, f);
    (void)fputc('\n', f);
    return ferror(f) ? -EIO : 0;
}

static int print_link(void *user, const char *name, const char *target)
{
    const char *slash = strrchr(target, '/');

    (void)fprintf(user, "# ==> %s -> %s\n\n", name, slash ? slash + 1 : target);
    return ferror((FILE *)user) ? -EIO : 0;
}

struct unit_sink unit_sink_print(FILE *f)
{
    return (struct unit_sink){.file = print_file, .link = print_link, .user = f};
}
