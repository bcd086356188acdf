/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What its owner should know of a kernel that is added. */
#include "tools/kernel/advice.h"

#include <string.h>

#include "tools/kernel/config-check.h"
#include "tools/kernel/initrd.h"

static void write_lines(FILE *f, const char *before, char *lines)
{
    char *line, *rest = lines;

    while ((line = strsep(&rest, "\n")))
        (void)fprintf(f, "%s%s\n", before, line);
}

static int advise_config(FILE *f, const char *config, bool initrd)
{
    _cleanup_free_ char *must = NULL, *wanted = NULL;

    if (!config) {
        (void)fputs("notice: its configuration is not known, so that nobody can say whether it has "
                    "what a Volt guest "
                    "needs (--config=FILE)\n",
                    f);
        return 0;
    }
    int r = kernel_config_check(config, initrd, &must);
    if (r == 0)
        r = kernel_config_wanted(config, initrd, &wanted);
    if (must)
        write_lines(f, "warning: it lacks ", must);
    if (wanted)
        write_lines(f, "notice: it goes without ", wanted);
    return r;
}

int kernel_initrd_lacks(const char *config, int initrd_fd, const char *version, char **ret_missing,
                        char **ret_why)
{
    _cleanup_free_ char *modules = NULL;
    int r = kernel_config_modules(config, &modules);

    if (r >= 0)
        r = initrd_has_modules(initrd_fd, "its initrd", modules ? modules : "", version,
                               ret_missing, ret_why);
    for (char *p = r < 0 ? NULL : *ret_missing; p && *p; p++)
        *p = *p == '\n' ? ' ' : *p;
    return r;
}

/* Whether the initrd can reach a disk, where that takes modules. One that is packed in a way that
 * is not read here may well be read by the kernel. */
static int advise_initrd(FILE *f, const char *config, int initrd_fd, const char *version,
                         char **ret_why)
{
    _cleanup_free_ char *missing = NULL, *why = NULL;
    int r = kernel_initrd_lacks(config, initrd_fd, version, &missing, &why);

    if (r == -EOPNOTSUPP)
        (void)fprintf(f, "warning: %s\n", why ? why : strerror(-r));
    else if (r < 0)
        *ret_why = TAKE_PTR(why);
    if (!missing)
        return r == -EOPNOTSUPP ? 0 : r;
    (void)fprintf(f,
                  "%s: its initrd has no %s for %s%s (initramfs-tools: MODULES=most, or names in "
                  "/etc/initramfs-tools/modules)\n",
                  config ? "warning" : "notice", missing, version,
                  config ? ", and the kernel has them as modules"
                         : "; that is well if they are built in");
    return 0;
}

int kernel_advice(const char *config, int initrd_fd, const char *version, char **ret_advice,
                  char **ret_why)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return -ENOMEM;
    int r = advise_config(f, config, initrd_fd >= 0);
    if (r == 0 && initrd_fd >= 0)
        r = advise_initrd(f, config, initrd_fd, version, ret_why);
    if (fclose(f) != 0)
        r = -ENOMEM;
    if (r == 0 && size > 0) {
        text[size - 1] = '\0'; /* the last line needs no end */
        *ret_advice = TAKE_PTR(text);
    } else if (r == 0) {
        *ret_advice = NULL;
    }
    return r;
}
