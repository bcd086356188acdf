// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a helper would be told now that it was not told when the VM started. */
#include "generator/argument-changes.h"

#include <string.h>

#define NIC "--nic="

/* A list of addresses can be long. */
#define SHOWN_MAX 200

struct text {
    const char *start;
    size_t length;
};

static bool same(struct text a, struct text b)
{
    return a.length == b.length && !memcmp(a.start, b.start, a.length);
}

static void tell_change(argument_tell *tell, void *context, const char *what, struct text key,
                        struct text old, struct text new)
{
    _cleanup_free_ char *line = NULL;

    if (asprintf(&line, "%s%.*s: %.*s → %.*s" AT_NEXT_START, what, (int)key.length, key.start,
                 (int)(old.length < SHOWN_MAX ? old.length : SHOWN_MAX), old.start,
                 (int)(new.length < SHOWN_MAX ? new.length : SHOWN_MAX), new.start) < 0) {
        line = NULL;
        return;
    }
    tell(context, line);
}

static const struct text none = {"-", 1};

/* Takes KEY=VALUE off the front of *rest, up to ','. */
static bool next_setting(const char **rest, struct text *ret_key, struct text *ret_value)
{
    const char *text = *rest;
    size_t length, key;

    if (!*text)
        return false;
    length = strcspn(text, ",");
    key = strcspn(text, ",=");
    *ret_key = (struct text){text, key};
    *ret_value = key < length ? (struct text){text + key + 1, length - key - 1} : none;
    *rest = text + length + (text[length] == ',');
    return true;
}

static struct text find_setting(const char *settings, struct text wanted)
{
    struct text key, value;

    while (next_setting(&settings, &key, &value))
        if (same(key, wanted))
            return value;
    return none;
}

static void compare_nics(const char *old, const char *new, argument_tell *tell, void *context)
{
    struct text key, value, other;
    const char *rest = old;
    char what[64];

    (void)snprintf(what, sizeof(what), "net %.*s: ", (int)strcspn(old, ","), old);
    while (next_setting(&rest, &key, &value)) {
        if (key.start == old)
            continue; /* the id */
        other = find_setting(new, key);
        if (!same(value, other))
            tell_change(tell, context, what, key, value, other);
    }
    rest = new;
    while (next_setting(&rest, &key, &value))
        if (key.start != new &&same(find_setting(old, key), none))
            tell_change(tell, context, what, key, none, value);
}

void argument_changes_net(char *const *old, char *const *new, argument_tell *tell, void *context)
{
    size_t prefix = strlen(NIC);

    for (; *old; old++) {
        size_t id = strncmp(*old, NIC, prefix) ? 0 : strcspn(*old + prefix, ",");

        for (char *const *p = new; id > 0 && *p; p++)
            if (!strncmp(*old, *p, prefix + id) && strcspn(*p + prefix, ",") == id)
                compare_nics(*old + prefix, *p + prefix, tell, context);
    }
}

/* --OPTION=NAME=PATH */
static bool parse_file(const char *argument, struct text *ret_name, struct text *ret_path)
{
    const char *name = strchr(argument, '='), *path = name ? strchr(name + 1, '=') : NULL;

    if (!path)
        return false;
    *ret_name = (struct text){name + 1, (size_t)(path - name - 1)};
    *ret_path = (struct text){path + 1, strlen(path + 1)};
    return true;
}

static struct text find_path(char *const *list, struct text wanted)
{
    struct text name, path;

    for (; *list; list++)
        if (parse_file(*list, &name, &path) && same(name, wanted))
            return path;
    return none;
}

/* Devices that come and go are volt-vmm's to tell; this one is no device. */
static bool is_initrd(struct text name)
{
    return same(name, (struct text){"initrd", strlen("initrd")});
}

void argument_changes_open(char *const *old, char *const *new, argument_tell *tell, void *context)
{
    struct text name, path, other;

    for (char *const *p = old; *p; p++) {
        if (!parse_file(*p, &name, &path))
            continue;
        other = find_path(new, name);
        if (!same(path, other) && (!same(other, none) || is_initrd(name)))
            tell_change(tell, context, "", name, path, other);
    }
    for (char *const *p = new; *p; p++)
        if (parse_file(*p, &name, &path) && is_initrd(name) && same(find_path(old, name), none))
            tell_change(tell, context, "", name, none, path);
}

char *argument_expand(const char *text)
{
    char *expanded = NULL, name[64];
    size_t size;
    FILE *f = open_memstream(&expanded, &size);

    if (!f)
        return NULL;
    while (*text) {
        const char *end = !strncmp(text, "${", 2) ? strchr(text, '}') : NULL;

        if (!strncmp(text, "$$", 2)) {
            (void)fputc('$', f);
            text += 2;
        } else if (end && (size_t)(end - text) < sizeof(name)) {
            (void)snprintf(name, sizeof(name), "%.*s", (int)(end - text - 2), text + 2);
            (void)fputs(getenv(name) ?: "", f);
            text = end + 1;
        } else {
            (void)fputc(*text++, f);
        }
    }
    if (fclose(f) == 0)
        return expanded;
    free(expanded);
    return NULL;
}
