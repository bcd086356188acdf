/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's disks as text for systemd. The guest has them as vda, vdb … in the file's order. */
#include "generator/unit-disk.h"

#include <ctype.h>
#include <string.h>

#include "generator/unit-escape.h"

/* The kernel counts its own threads for a ring, of which volt-vmm asks for so many at most. */
enum { RING_WORKERS = 8 + 1 };

enum { UNIT_NAME_MAX = 255 };

_Static_assert(DISKS_MAX <= 26, "vda to vdz");

size_t unit_count_disk_tasks(const struct vm_config *config)
{
    size_t tasks = 0;

    for (size_t i = 0; i < config->disks_count; i++) {
        const struct disk_section *disk = config->disks[i];

        tasks += disk->queues * (disk->engine == DISK_ENGINE_SYNC ? 1 : 1 + RING_WORKERS);
    }
    return tasks;
}

static bool is_plain(char c)
{
    return isalnum((unsigned char)c) || strchr(":_./", c);
}

static size_t device_unit_length(const char *path)
{
    size_t length = strlen(".device");

    for (const char *p = path + 1; *p; p++)
        length += is_plain(*p) ? 1 : strlen("\\xNN");
    return length;
}

/* Whether systemd has a unit for PATH: nodes and links of udev, not what else is mounted there. */
static bool has_device_unit(const char *path)
{
    static const char *const others[] = {"/dev/shm/", "/dev/hugepages/", "/dev/mqueue/"};

    if (strncmp(path, "/dev/", 5) != 0 || path[5] == '\0' ||
        device_unit_length(path) > UNIT_NAME_MAX)
        return false;
    for (size_t i = 0; i < ELEMENTSOF(others); i++)
        if (strncmp(path, others[i], strlen(others[i])) == 0)
            return false;
    return !strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../");
}

/* As `systemd-escape --path --suffix=device`. */
static void write_device_unit(FILE *f, const char *path)
{
    for (const char *p = path + 1; *p; p++) {
        if (is_plain(*p))
            (void)fputc(*p == '/' ? '-' : *p, f);
        else
            (void)fprintf(f, "\\x%02x", (unsigned char)*p);
    }
    (void)fputs(".device", f);
}

/* Not Requires=: the device's unit may be missing though the node is there, made by hand; volt-open
 * has the better message; and no VM ends because udev looks at its disk again. */
void unit_write_disk_dependencies(FILE *f, const struct vm_config *config)
{
    static const char *const kinds[] = {"Wants", "After"};
    bool any = false;

    for (size_t i = 0; i < config->disks_count; i++)
        any = any || has_device_unit(config->disks[i]->path);
    for (size_t kind = 0; kind < ELEMENTSOF(kinds) && any; kind++) {
        const char *before = "=";

        (void)fputs(kinds[kind], f);
        for (size_t i = 0; i < config->disks_count; i++) {
            if (!has_device_unit(config->disks[i]->path))
                continue;
            (void)fputs(before, f);
            write_device_unit(f, config->disks[i]->path);
            before = " ";
        }
        (void)fputc('\n', f);
    }
}

void unit_write_disk_devices(FILE *f, const struct vm_config *config)
{
    bool any = false;

    for (size_t i = 0; i < config->disks_count; i++) {
        const struct disk_section *disk = config->disks[i];

        if (strncmp(disk->path, "/dev/", 5) != 0)
            continue;
        if (!any)
            (void)fputs("\n# Block devices: for volt-open; the VMM's own /dev has none of them\n",
                        f);
        any = true;
        (void)fputs("DeviceAllow=", f);
        unit_escape(f, disk->path, UNIT_WORD);
        (void)fprintf(f, " %s\n", disk->readonly ? "r" : "rw");
    }
}

void unit_write_disk_files(FILE *f, const struct vm_config *config)
{
    for (size_t i = 0; i < config->disks_count; i++)
        unit_write_argument(f, "--read-%s=disk.%s=%s",
                            config->disks[i]->readonly ? "only" : "write",
                            config->disks[i]->section.id, config->disks[i]->path);
}

void unit_write_disks(FILE *f, const struct vm_config *config)
{
    static const char *const engines[] = {
        [DISK_ENGINE_AUTO] = "",
        [DISK_ENGINE_IO_URING] = ",engine=io_uring",
        [DISK_ENGINE_SYNC] = ",engine=sync",
    };

    for (size_t i = 0; i < config->disks_count; i++) {
        const struct disk_section *disk = config->disks[i];
        const char *id = disk->section.id;

        char limits[64] = "";
        int n = 0;

        if (disk->iops > 0)
            n = snprintf(limits, sizeof(limits), ",iops=%u", disk->iops);
        if (disk->mbps > 0)
            (void)snprintf(limits + n, sizeof(limits) - (size_t)n, ",mbps=%u", disk->mbps);
        unit_write_argument(f, "--disk=%s,file=fd:disk.%s%s,cache=%s,queues=%u%s%s", id, id,
                            disk->readonly ? ",readonly" : "",
                            disk->cache == DISK_CACHE_NONE ? "none" : "writeback", disk->queues,
                            engines[disk->engine], limits);
    }
}

/* Whether one of the words begins with root=. */
static bool names_root(const char *cmdline)
{
    for (const char *word = cmdline; *word; word += strcspn(word, " ")) {
        word += strspn(word, " ");
        if (strncmp(word, "root=", 5) == 0)
            return true;
    }
    return false;
}

void unit_format_root(const struct vm_config *config, char text[static UNIT_ROOT_SIZE])
{
    text[0] = '\0';
    if (config->vm.cmdline && names_root(config->vm.cmdline))
        return;
    for (size_t i = 0; i < config->disks_count; i++)
        if (strcmp(config->disks[i]->section.id, "root") == 0)
            (void)snprintf(text, UNIT_ROOT_SIZE, "root=/dev/vd%c %s", (char)('a' + i),
                           config->disks[i]->readonly ? "ro" : "rw");
}
