/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The description of a VM: [credentials], whose keys are names of the user's own. */
#include <limits.h>
#include <string.h>

#include "generator/config.h"
#include "generator/schema.h"

/* Why NAME is no credential's (credential_name_valid() of systemd); NULL if it is one. Some
 * versions of systemd (257 is one) do not start a unit that has a name or a path with a blank, and
 * lose the backslashes in them. */
static const char *why_no_name(const char *name)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return "it is not a file's name";
    if (strlen(name) > NAME_MAX)
        return "it is longer than 255 characters";
    for (const char *p = name; *p; p++)
        if (*p <= ' ' || *p > '~' || strchr("/:\\", *p))
            return "it may have no other characters than printable ASCII without blanks, '/', ':' "
                   "and backslashes";
    return NULL;
}

/* Why PATH is none that LoadCredential= takes, beside what parse_path() knows. */
static const char *why_no_source(const char *path)
{
    if (strstr(path, "//") || strstr(path, "/./") || strcmp(path + strlen(path) - 2, "/.") == 0)
        return "'//' and '/./' are not allowed in it";
    if (strpbrk(path, " \\"))
        return "blanks and backslashes are not allowed in it";
    return NULL;
}

/* Checks VALUE; what follows its '@' becomes *RET_PATH, to be freed, or NULL. Returns 0, -EINVAL
 * with a problem, or -ENOMEM. */
static int check_value(const char *key, const char *value, struct origin origin,
                       struct problems *problems, char **ret_path)
{
    const struct setting *row = schema_find(SECTION_CREDENTIALS, "NAME");
    struct setting named = *row;
    _cleanup_free_ char *path = NULL;
    const char *reason = NULL;
    int r = 0;

    named.key = key;
    if (*value == '\0') {
        problems_add(problems, origin, "%s has no value; remove the line or give it one", key);
        return -EINVAL;
    }
    if (*value == '@') {
        r = parse_path(value + 1, NULL, &path, &reason);
        if (r == 0)
            reason = why_no_source(path);
        if (r == -ENOMEM)
            return r;
    }
    if (reason) {
        r = setting_report(problems, origin, &named, value, reason);
        return r < 0 ? r : -EINVAL;
    }
    *ret_path = TAKE_PTR(path);
    return 0;
}

static struct credential *find(struct credentials_section *credentials, const char *name)
{
    for (size_t i = 0; i < credentials->count; i++)
        if (strcmp(credentials->items[i].name, name) == 0)
            return &credentials->items[i];
    return NULL;
}

/* Makes room for one called NAME. Returns 0 or -ENOMEM. */
static int add(struct credentials_section *credentials, const char *name,
               struct credential **ret_credential)
{
    struct credential *items =
        reallocarray(credentials->items, credentials->count + 1, sizeof(*items));

    if (!items)
        return -ENOMEM;
    credentials->items = items;
    items[credentials->count] = (struct credential){.name = strdup(name)};
    if (!items[credentials->count].name)
        return -ENOMEM;
    *ret_credential = &items[credentials->count++];
    return 0;
}

int credentials_take(struct section *section, const char *key, const char *value,
                     struct origin origin, struct problems *problems)
{
    struct credentials_section *credentials =
        container_of(section, struct credentials_section, section);
    struct credential *credential = find(credentials, key);
    const char *reason = why_no_name(key);
    _cleanup_free_ char *path = NULL;
    int r;

    if (reason) {
        problems_add(problems, origin, "'%.*s' cannot be a credential's name: %s", QUOTED(key),
                     reason);
        return 0;
    }
    if (credential && credential->origin.source == origin.source) {
        problems_add(problems, origin, "%s is set again; line %u sets it already", key,
                     credential->origin.line);
        return 0;
    }
    if (!credential && credentials->count >= CREDENTIALS_MAX) {
        problems_add(problems, origin, "this is one credential too many; at most %d are allowed",
                     CREDENTIALS_MAX);
        return 0;
    }
    r = check_value(key, value, origin, problems, &path);
    if (r < 0)
        return r == -EINVAL ? 0 : r;
    char *copy = path ? TAKE_PTR(path) : strdup(value);
    if (!copy)
        return -ENOMEM;
    r = credential ? 0 : add(credentials, key, &credential);
    if (r < 0) {
        free(copy);
        return r;
    }
    free(credential->value);
    credential->value = copy;
    credential->is_path = *value == '@';
    credential->origin = origin;
    return 0;
}

void credentials_done(struct credentials_section *credentials)
{
    for (size_t i = 0; i < credentials->count; i++) {
        free(credentials->items[i].name);
        free(credentials->items[i].value);
    }
    free(credentials->items);
    credentials->items = NULL;
    credentials->count = 0;
}
