// SPDX-License-Identifier: LGPL-2.1-or-later
/* What helpers tell volt-vmm's command line: /run/volt/vm/<uuid>/environment. */
#include "generator/vm-environment.h"

#include "generator/run-dir.h"
#include "generator/run-file.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

static bool sets_one_of(const char *line, const struct vm_variable *variables, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(variables[i].name);

        if (!strncmp(line, variables[i].name, length) && line[length] == '=')
            return true;
    }
    return false;
}

/* The lines of the file but those of the VARIABLES. */
static int copy_others(int dir_fd, const struct vm_variable *variables, size_t n, FILE *f)
{
    int fd = openat(dir_fd, "environment", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    _cleanup_fclose_ FILE *old = fd < 0 ? NULL : fdopen(fd, "r");
    _cleanup_free_ char *line = NULL;
    size_t size = 0;

    if (!old) {
        (void)close_fd(fd);
        return fd < 0 && errno == ENOENT ? 0 : -errno;
    }
    while (getline(&line, &size, old) >= 0)
        if (!sets_one_of(line, variables, n))
            (void)fputs(line, f);
    return 0;
}

int vm_environment_set(const char *dir, const char *uuid, const struct vm_variable *variables,
                       size_t n)
{
    _cleanup_close_ int dir_fd = -EBADF;
    _cleanup_free_ char *text = NULL;
    char path[PATH_MAX];
    size_t size;
    FILE *f;
    int r;

    if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, uuid) >= sizeof(path))
        return -ENAMETOOLONG;
    dir_fd = run_dir_open(path, true);
    if (dir_fd < 0)
        return TAKE_FD(dir_fd);
    f = open_memstream(&text, &size);
    if (!f)
        return -ENOMEM;
    r = copy_others(dir_fd, variables, n, f);
    for (size_t i = 0; i < n; i++)
        (void)fprintf(f, "%s=%s\n", variables[i].name, variables[i].value);
    if (fclose(f) != 0)
        return -ENOMEM;
    return r < 0 ? r : run_file_write(dir_fd, "environment", text);
}
