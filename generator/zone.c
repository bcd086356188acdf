/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where zones are found: the first file of a name counts. */
#include "generator/zone.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "generator/ini-file.h"
#include "generator/suggest.h"

#define ZONE_SIZE_MAX (64 * 1024)

static const struct place {
    const char *directory, *before, *after; /* the name */
    int (*read)(struct zone *zone, const char *text, size_t size);
} places[] = {
    {"/etc/volt/zones", "", ".ini", zone_read_ini},
    {"/run/volt/zones", "", ".ini", zone_read_ini},
    {"/etc/voltainer/network", "zone-", ".yaml", zone_read_yaml},
    {"/usr/lib/volt/zones", "", ".ini", zone_read_ini},
};

int zone_new(const char *name, const char *path, struct zone **ret_zone)
{
    _cleanup_zone_ struct zone *zone = calloc(1, sizeof(*zone));
    int r;

    if (!zone)
        return -ENOMEM;
    (void)snprintf(zone->name, sizeof(zone->name), "%s", name);
    r = path ? source_new(path, path, &zone->source) : 0;
    if (r < 0)
        return r;
    *ret_zone = TAKE_PTR(zone);
    return 0;
}

void zone_free(struct zone *zone)
{
    if (!zone)
        return;
    source_free(zone->source);
    problems_done(&zone->problems);
    free(zone->pool);
    free(zone);
}

void zones_done(struct zones *zones)
{
    for (size_t i = 0; i < zones->count; i++)
        zone_free(zones->items[i]);
    free(zones->items);
    zones->items = NULL;
    zones->count = 0;
}

/* The zone's name of a file in PLACE, or NULL; the caller frees it. */
static char *zone_of_file(const struct place *place, const char *file)
{
    size_t length = strlen(file), before = strlen(place->before), after = strlen(place->after);

    if (length <= before + after || strncmp(file, place->before, before) != 0 ||
        strcmp(file + length - after, place->after) != 0)
        return NULL;
    return strndup(file + before, length - before - after);
}

/* The zone in PLACE that NAME was probably meant to be; the smaller *RANK the better. */
static void suggest_in(const struct zones *zones, const struct place *place, const char *name,
                       char best[static NAME_LENGTH_MAX + 1], size_t *rank)
{
    char path[PATH_MAX];
    const struct dirent *entry;
    DIR *dir;

    if (snprintf(path, sizeof(path), "%s%s", zones->root, place->directory) >= (int)sizeof(path))
        return;
    dir = opendir(path);
    while (dir && (entry = readdir(dir))) {
        _cleanup_free_ char *zone = zone_of_file(place, entry->d_name);
        size_t n = zone ? suggest_rank(name, zone) : 0;
        const char *reason;

        if (n > 0 && n < *rank && parse_name(zone, NULL, best, &reason) == 0)
            *rank = n;
    }
    if (dir)
        (void)closedir(dir);
}

static void report_missing(const struct zones *zones, struct zone *zone)
{
    char best[NAME_LENGTH_MAX + 1] = "";
    size_t rank = SIZE_MAX;

    for (size_t i = 0; i < ELEMENTSOF(places); i++)
        suggest_in(zones, &places[i], zone->name, best, &rank);
    problems_add(&zone->problems, (struct origin){.source = zone->source},
                 "there is no such file, nor one in another place for zones; %s%s%s",
                 rank < SIZE_MAX ? "did you mean zone = " : "see volt.zone(5)", best,
                 rank < SIZE_MAX ? "?" : "");
}

/* Reads the zone from PLACE. Returns 1, 0 where there is no file, or -ENOMEM. */
static int read_place(const struct zones *zones, const struct place *place, struct zone *zone)
{
    char path[PATH_MAX], *shown;
    _cleanup_free_ char *text = NULL;
    const char *why = NULL;
    struct origin origin;
    size_t size = 0;
    int r;

    if (snprintf(path, sizeof(path), "%s%s/%s%s%s", zones->root, place->directory, place->before,
                 zone->name, place->after) >= (int)sizeof(path))
        return 0;
    if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
        (errno == ENOENT || errno == ENOTDIR))
        return 0;
    shown = path + strlen(zones->root);
    source_free(zone->source);
    zone->source = NULL;
    r = source_new(shown, shown, &zone->source);
    if (r < 0)
        return r;
    origin = (struct origin){.source = zone->source};
    r = ini_file_load(AT_FDCWD, path, ZONE_SIZE_MAX, &text, &size, &why);
    if (r == -ENOMEM)
        return r;
    if (r <= 0) {
        problems_add(&zone->problems, origin, "%s%s", r < 0 ? "the file " : "",
                     r == 0 ? "the zone is masked here (an empty file, or a link to /dev/null)"
                     : r == -EFBIG ? "is over 64 KiB; nothing of it is read"
                                   : why);
        return 1;
    }
    r = place->read(zone, text, size);
    if (r < 0)
        return r;
    zone_finish(zone);
    return 1;
}

static int load(const struct zones *zones, const char *name, struct zone **ret_zone)
{
    _cleanup_zone_ struct zone *zone = NULL;
    char path[sizeof("/etc/volt/zones/.ini") + NAME_LENGTH_MAX];
    int r;

    (void)snprintf(path, sizeof(path), "%s/%s.ini", places[0].directory, name);
    r = zone_new(name, path, &zone);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ELEMENTSOF(places) && r == 0; i++)
        r = read_place(zones, &places[i], zone);
    if (r == 0)
        report_missing(zones, zone);
    if (r < 0 || zone->problems.no_memory)
        return -ENOMEM;
    *ret_zone = TAKE_PTR(zone);
    return 0;
}

int zones_get(struct zones *zones, const char *name, struct zone **ret_zone)
{
    struct zone **items;
    int r;

    for (size_t i = 0; i < zones->count; i++) {
        if (strcmp(zones->items[i]->name, name) == 0) {
            *ret_zone = zones->items[i];
            return 0;
        }
    }
    items = reallocarray(zones->items, zones->count + 1, sizeof(struct zone *));
    if (!items)
        return -ENOMEM;
    zones->items = items;
    r = load(zones, name, &zones->items[zones->count]);
    if (r < 0)
        return r;
    *ret_zone = zones->items[zones->count++];
    return 0;
}
