/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values that stand in an INI file: paths, kernels, the kernel's command line. */
#include <limits.h>
#include <string.h>

#include "generator/value.h"

static int store(char **place, const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        return -ENOMEM;
    free(*place);
    *place = copy;
    return 0;
}

/* Why TEXT is no path that a unit may name; NULL if it is one. Nothing is looked up: the file
 * system may not be there yet. */
static const char *why_no_path(const char *text)
{
    if (*text != '/')
        return "it does not begin with '/'";
    if (strlen(text) >= PATH_MAX)
        return "it is too long";
    if (strchr(text, '\t'))
        return "it has a tab";
    if (text[strlen(text) - 1] == '/')
        return "it ends with '/'";
    for (const char *p = text; *p;) {
        size_t n;

        p += strspn(p, "/");
        n = strcspn(p, "/");
        if (n == 2 && memcmp(p, "..", 2) == 0)
            return "'..' is not allowed in it";
        if (n > NAME_MAX)
            return "it is too long";
        p += n;
    }
    return NULL;
}

int parse_path(const char *text, _unused_ const struct value_rule *rule, void *place,
               const char **ret_reason)
{
    *ret_reason = why_no_path(text);
    return *ret_reason ? -EINVAL : store(place, text);
}

int parse_kernel(const char *text, const struct value_rule *rule, void *place,
                 const char **ret_reason)
{
    char name[NAME_LENGTH_MAX + 1];

    if (strchr(text, '/'))
        return parse_path(text, rule, place, ret_reason);
    if (parse_name(text, rule, name, ret_reason) < 0)
        return -EINVAL;
    return store(place, name);
}

int parse_initrd(const char *text, const struct value_rule *rule, void *place,
                 const char **ret_reason)
{
    return strcmp(text, "none") == 0 ? store(place, text)
                                     : parse_path(text, rule, place, ret_reason);
}

int parse_cmdline(const char *text, _unused_ const struct value_rule *rule, void *place,
                  const char **ret_reason)
{
    if (strlen(text) > CMDLINE_LENGTH_MAX) {
        *ret_reason = "it is too long";
        return -EINVAL;
    }
    if (strchr(text, '\t')) {
        *ret_reason = "it has a tab";
        return -EINVAL;
    }
    return store(place, text);
}
