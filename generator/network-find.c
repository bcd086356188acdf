// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which .network file configures a bridge, by the rules of systemd.network(5). */
#include "generator/network-find.h"
#include "generator/suffix.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#define SUFFIX ".network"

/* File names, sorted, each once. */
struct names {
    char **items;
    size_t count;
};

static void names_done(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

static int names_add(struct names *names, const char *name)
{
    char **items, *copy;

    for (size_t i = 0; i < names->count; i++)
        if (!strcmp(names->items[i], name))
            return 0;
    items = reallocarray(names->items, names->count + 1, sizeof(*items));
    if (!items)
        return -ENOMEM;
    names->items = items;
    copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    names->items[names->count++] = copy;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Collects the names in each of DIRS, in its folder BELOW ("" for itself). */
static int names_collect(const char *const *dirs, const char *below, const char *suffix,
                         struct names *ret)
{
    for (size_t i = 0; dirs[i]; i++) {
        char path[PATH_MAX];
        struct dirent *entry;
        int r = 0;
        DIR *dir;

        (void)snprintf(path, sizeof(path), "%s/%s", dirs[i], below);
        dir = opendir(path);
        while (dir && r >= 0 && (entry = readdir(dir)))
            if (has_suffix(entry->d_name, suffix))
                r = names_add(ret, entry->d_name);
        if (dir)
            (void)closedir(dir);
        if (r < 0)
            return r;
    }
    if (ret->count > 0)
        qsort(ret->items, ret->count, sizeof(*ret->items), compare_names);
    return 0;
}

struct facts {
    bool matched, mismatched;
    bool dhcp_server, has_dns, has_router;
};

static bool is_one_of(const char *key, const char *const *keys)
{
    for (; *keys; keys++)
        if (!strcmp(key, *keys))
            return true;
    return false;
}

/* Patterns with blanks between; a '!' before the first turns the sense. */
static bool matches(char *patterns, const char *first, const char *second)
{
    bool inverted = *patterns == '!', found = false;
    char *rest = patterns + inverted, *pattern;

    while ((pattern = strsep(&rest, " \t")))
        if (*pattern &&
            (fnmatch(pattern, first, 0) == 0 || (second && fnmatch(pattern, second, 0) == 0)))
            found = true;
    return found != inverted;
}

static void read_match(struct facts *facts, const char *key, char *value, const char *name)
{
    static const char *const about_host[] = {
        "Host",          "Virtualization", "KernelCommandLine", "Architecture",
        "KernelVersion", "Credential",     "Firmware",          NULL};
    bool fits;

    if (is_one_of(key, about_host))
        return;
    if (!strcmp(key, "Name"))
        fits = matches(value, name, NULL);
    else if (!strcmp(key, "Kind"))
        fits = matches(value, "bridge", NULL);
    else if (!strcmp(key, "Type"))
        fits = matches(value, "bridge", "ether");
    else
        fits = false;
    facts->matched = facts->matched || fits;
    facts->mismatched = facts->mismatched || !fits;
}

static bool is_true(const char *value)
{
    return !strcasecmp(value, "yes") || !strcasecmp(value, "true") || !strcasecmp(value, "on") ||
           !strcmp(value, "1") || !strcasecmp(value, "y") || !strcasecmp(value, "t");
}

static char *trim(char *text)
{
    char *end;

    text += strspn(text, " \t");
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return text;
}

static void read_line(struct facts *facts, char *section, size_t size, char *line, const char *name)
{
    char *key = trim(line), *value;

    if (*key == '[') {
        (void)snprintf(section, size, "%s", key);
        return;
    }
    value = strchr(key, '=');
    if (*key == '#' || *key == ';' || !value)
        return;
    *value++ = '\0';
    key = trim(key);
    value = trim(value);
    if (!strcmp(section, "[Match]") && *value)
        read_match(facts, key, value, name);
    else if (!strcmp(section, "[Network]") && !strcmp(key, "DHCPServer"))
        facts->dhcp_server = is_true(value);
    else if (!strcmp(section, "[DHCPServer]") && (!strcmp(key, "DNS") || !strcmp(key, "EmitDNS")))
        facts->has_dns = true;
    else if (!strcmp(section, "[DHCPServer]") &&
             (!strcmp(key, "Router") || !strcmp(key, "EmitRouter")))
        facts->has_router = true;
}

/* Reads the file in the first of DIRS that has it. One that is masked or empty says nothing. */
static void read_file(const char *const *dirs, const char *file, const char *name,
                      struct facts *facts)
{
    for (size_t i = 0; dirs[i]; i++) {
        _cleanup_fclose_ FILE *f = NULL;
        char path[PATH_MAX], section[32] = "", line[1024];
        struct stat st;
        int fd;

        (void)snprintf(path, sizeof(path), "%s/%s", dirs[i], file);
        if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
            return;
        f = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? fdopen(fd, "r") : NULL;
        if (!f) {
            (void)close_fd(fd);
            return;
        }
        while (fgets(line, sizeof(line), f))
            read_line(facts, section, sizeof(section), line, name);
        return;
    }
}

static int read_drop_ins(const char *const *dirs, const char *file, const char *name,
                         struct facts *facts)
{
    _cleanup_(names_done) struct names names = {0};
    char below[NAME_MAX + 8];
    int r;

    (void)snprintf(below, sizeof(below), "%s.d", file);
    r = names_collect(dirs, below, ".conf", &names);
    for (size_t i = 0; i < names.count && r >= 0; i++) {
        char path[sizeof(below) + NAME_MAX + 1];

        if (!strcmp(names.items[i], NETWORK_ZONE_DROP_IN))
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", below, names.items[i]);
        read_file(dirs, path, name, facts);
    }
    return r;
}

int network_find(const char *const *dirs, const char *name, struct network_found *ret)
{
    _cleanup_(names_done) struct names names = {0};
    int r = names_collect(dirs, "", SUFFIX, &names);

    for (size_t i = 0; i < names.count && r >= 0; i++) {
        struct facts facts = {0};

        read_file(dirs, names.items[i], name, &facts);
        r = read_drop_ins(dirs, names.items[i], name, &facts);
        if (r < 0 || !facts.matched || facts.mismatched)
            continue;
        (void)snprintf(ret->file, sizeof(ret->file), "%s", names.items[i]);
        ret->dhcp_server = facts.dhcp_server;
        ret->has_dns = facts.has_dns;
        ret->has_router = facts.has_router;
        return 1;
    }
    return r < 0 ? r : 0;
}
