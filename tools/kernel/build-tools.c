/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks for the programs that building a kernel takes, before anything is begun. */
#include "tools/kernel/build-tools.h"

#include "tools/kernel/build-run.h"
#include "tools/kernel/why.h"

static const struct {
    const char *program, *package;
    bool tarball; /* only to unpack one */
} tools[] = {
    {"make", "make", false},   {"gcc", "gcc", false},
    {"ld", "binutils", false}, {"objcopy", "binutils", false},
    {"flex", "flex", false},   {"bison", "bison", false},
    {"bc", "bc", false},       {"tar", "tar", true},
    {"xz", "xz-utils", true},
};

/* objtool, which the kernel builds for itself, reads ELF files by libelf; and the C library's own
 * headers may be missing, too. */
static bool has_header(const char *header)
{
    const char *const argv[] = {"gcc", "-fsyntax-only", "-include", header, "-x",
                                "c",   "/dev/null",     NULL};

    return build_run_quietly(argv);
}

static void add(FILE *missing, FILE *packages, unsigned *n, const char *what, const char *package)
{
    (void)fprintf(missing, "%s%s", *n ? ", " : "", what);
    (void)fprintf(packages, " %s", package);
    (*n)++;
}

int build_tools_check(bool tarball, char **ret_why)
{
    _cleanup_free_ char *missing = NULL, *packages = NULL;
    size_t size;
    unsigned n = 0;
    FILE *f = open_memstream(&missing, &size), *g = open_memstream(&packages, &size);

    for (size_t i = 0; f && g && i < ELEMENTSOF(tools); i++)
        if ((tarball || !tools[i].tarball) && !build_run_finds(tools[i].program))
            add(f, g, &n, tools[i].program, tools[i].package);
    if (f && g && build_run_finds("gcc")) {
        if (!has_header("stdlib.h"))
            add(f, g, &n, "stdlib.h", "libc6-dev");
        if (!has_header("gelf.h"))
            add(f, g, &n, "gelf.h", "libelf-dev");
    }
    if ((f && fclose(f) != 0) || (g && fclose(g) != 0) || !f || !g)
        return why(ret_why, -ENOMEM, "no memory");
    return n ? why(ret_why, -ENOENT,
                   "building a kernel takes %s, which %s not here; on Debian: apt install%s",
                   missing, n == 1 ? "is" : "are", packages)
             : 0;
}
