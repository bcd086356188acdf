/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The --disk= option. */
#include <string.h>

#include "vmm/devices/device-option.h"
#include "vmm/devices/disk-limit.h"
#include "vmm/devices/disk.h"
#include "vmm/log.h"

static int parse_file(struct disk_settings *settings, const char *value)
{
    if ((value[0] == '\0' || strcmp(value, "fd:") == 0) || strlen(value) >= sizeof(settings->file))
        return log_errno(-EINVAL, "--disk: file='%s' is neither fd:NAME nor a path", value);
    strcpy(settings->file, value);
    return 0;
}

static int parse_cache(struct disk_settings *settings, const char *value)
{
    if (strcmp(value, "writeback") == 0)
        settings->cache = DISK_CACHE_WRITEBACK;
    else if (strcmp(value, "none") == 0)
        settings->cache = DISK_CACHE_NONE;
    else
        return log_errno(-EINVAL, "--disk: cache=%s is neither writeback nor none", value);
    return 0;
}

static int parse_rate(const char *key, const char *value, uint32_t max, uint32_t *ret)
{
    char *end;

    errno = 0;
    unsigned long rate = strtoul(value, &end, 10);
    if (errno != 0 || value[0] < '1' || value[0] > '9' || *end != '\0' || rate > max)
        return log_errno(-EINVAL, "--disk: %s=%s is not from 1 to %u", key, value, max);
    *ret = (uint32_t)rate;
    return 0;
}

static int parse_engine(struct disk_settings *settings, const char *value)
{
    static const char *const names[] = {
        [DISK_ENGINE_AUTO] = "auto",
        [DISK_ENGINE_IO_URING] = "io_uring",
        [DISK_ENGINE_SYNC] = "sync",
    };

    for (unsigned i = 0; i < ELEMENTSOF(names); i++)
        if (strcmp(value, names[i]) == 0) {
            settings->engine = i;
            return 0;
        }
    return log_errno(-EINVAL, "--disk: engine=%s is none of auto, io_uring and sync", value);
}

static int parse_queues(struct disk_settings *settings, const char *value)
{
    if (value[0] < '1' || value[0] > '0' + DISK_QUEUES_MAX || value[1] != '\0')
        return log_errno(-EINVAL, "--disk: queues=%s is not from 1 to %d", value, DISK_QUEUES_MAX);
    settings->queues = (uint16_t)(value[0] - '0');
    return 0;
}

static int parse_setting(void *of, const char *setting, const char *value)
{
    struct disk_settings *settings = of;

    if (!value && strcmp(setting, "readonly") == 0) {
        settings->readonly = true;
        return 0;
    }
    if (!value)
        return device_option_no_value("disk", setting);
    if (strcmp(setting, "file") == 0)
        return parse_file(settings, value);
    if (strcmp(setting, "cache") == 0)
        return parse_cache(settings, value);
    if (strcmp(setting, "queues") == 0)
        return parse_queues(settings, value);
    if (strcmp(setting, "iops") == 0)
        return parse_rate("iops", value, DISK_IOPS_MAX, &settings->iops);
    if (strcmp(setting, "mbps") == 0)
        return parse_rate("mbps", value, DISK_MBPS_MAX, &settings->mbps);
    if (strcmp(setting, "engine") == 0)
        return parse_engine(settings, value);
    return log_errno(
        -EINVAL,
        "--disk: unknown setting '%s': file, readonly, cache, engine, queues, iops and "
        "mbps are known",
        setting);
}

int disk_settings_parse(const char *argument, struct disk_settings *ret)
{
    struct disk_settings settings = {.queues = 1};

    int r = device_option_parse("disk", argument, settings.id, parse_setting, &settings);
    if (r < 0)
        return r;
    if (settings.file[0] == '\0')
        return log_errno(-EINVAL, "--disk=%s: file= is missing: file=PATH or file=fd:NAME",
                         settings.id);
    *ret = settings;
    return 0;
}
