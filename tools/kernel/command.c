/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands of volt-kernel share. */
#include "tools/kernel/command.h"

#include <stdarg.h>
#include <string.h>

int complain(const char *format, ...)
{
    va_list ap;

    (void)fputs("volt-kernel: ", stderr);
    va_start(ap, format);
    (void)vfprintf(stderr, format, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    return STATUS_FAILED;
}

void notice(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    (void)vprintf(format, ap);
    va_end(ap);
    (void)putchar('\n');
}

bool check_name(const char *name)
{
    if (kernel_name_is_valid(name) && strcmp(name, KERNEL_DEFAULT) != 0)
        return true;
    if (strcmp(name, KERNEL_DEFAULT) == 0)
        (void)complain("'" KERNEL_DEFAULT "' is the name of the default, not of a kernel");
    else
        (void)complain("'%.80s' cannot be a kernel's name: that is at most %d letters, digits, "
                       "'.', '_' and '-', a letter or digit first",
                       name, KERNEL_NAME_MAX);
    return false;
}

static void say_waiting(void)
{
    (void)complain("another volt-kernel is at work; waiting for it");
}

int open_for_writing(const struct arguments *arguments, struct store *ret)
{
    _cleanup_free_ char *why = NULL;
    int r = store_open(arguments->root, say_waiting, ret, &why);

    if (r < 0)
        (void)complain("%s", why ? why : strerror(-r));
    return r;
}

void find_default(const char *root, char ret[static KERNEL_NAME_MAX + 1])
{
    _cleanup_free_ char *why = NULL;
    struct kernel_dir dir;

    ret[0] = '\0';
    if (kernel_store_open(root, KERNEL_DEFAULT, &dir, &why) < 0)
        return;
    (void)snprintf(ret, KERNEL_NAME_MAX + 1, "%s", dir.name);
    kernel_dir_done(&dir);
}
