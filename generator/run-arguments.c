// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a helper was told when the VM started, kept for volt-reload: /run/volt/vm/<uuid>/<helper>.
 */
#include "generator/run-arguments.h"

#include "generator/run-dir.h"
#include "generator/run-file.h"

#include <fcntl.h>
#include <string.h>

int run_arguments_save(const char *dir, const char *name, char *const *argv)
{
    _cleanup_close_ int dir_fd = run_dir_open(dir, true);
    _cleanup_free_ char *text = NULL;
    size_t size;
    FILE *f;

    if (dir_fd < 0)
        return dir_fd;
    f = open_memstream(&text, &size);
    if (!f)
        return -ENOMEM;
    for (; *argv; argv++)
        if (!strchr(*argv, '\n')) /* which volt-generator does not write */
            fprintf(f, "%s\n", *argv);
    if (fclose(f) != 0)
        return -ENOMEM;
    return run_file_write(dir_fd, name, text);
}

static int add(char ***list, size_t n, const char *text)
{
    char **grown = reallocarray(*list, n + 2, sizeof(char *));

    if (!grown)
        return -ENOMEM;
    *list = grown;
    grown[n] = strdup(text);
    grown[n + 1] = NULL;
    return grown[n] ? 0 : -ENOMEM;
}

int run_arguments_load(const char *dir, const char *name, char ***ret)
{
    _cleanup_close_ int dir_fd = run_dir_open(dir, false);
    _cleanup_fclose_ FILE *f = NULL;
    _cleanup_free_ char *line = NULL;
    size_t size = 0, n = 0;
    char **list = calloc(1, sizeof(char *));
    int fd, r = list ? 0 : -ENOMEM;

    if (r >= 0 && dir_fd < 0)
        r = dir_fd;
    if (r >= 0) {
        fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        f = fd < 0 ? NULL : fdopen(fd, "r");
        if (!f) {
            r = -errno;
            (void)close_fd(fd);
        }
    }
    for (ssize_t length; r >= 0 && (length = getline(&line, &size, f)) > 0;) {
        line[strcspn(line, "\n")] = '\0';
        r = add(&list, n++, line);
    }
    if (r < 0)
        run_arguments_free(list);
    else
        *ret = list;
    return r;
}

void run_arguments_free(char **arguments)
{
    for (char **p = arguments; p && *p; p++)
        free(*p);
    free(arguments);
}
