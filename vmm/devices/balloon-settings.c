/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The --balloon= option. */
#include <string.h>

#include "vmm/devices/balloon.h"
#include "vmm/devices/device-option.h"
#include "vmm/log.h"

enum {
    SIZE_MAX_MIB = 1024 * 1024,
    STATISTICS_MAX_SEC = 86400,
};

static int parse_number(const char *key, const char *value, unsigned max, unsigned *ret)
{
    char *end;

    errno = 0;
    unsigned long number = strtoul(value, &end, 10);
    if (errno != 0 || value[0] < '0' || value[0] > '9' || *end != '\0' || number > max)
        return log_errno(-EINVAL, "--balloon: %s=%s is not from 0 to %u", key, value, max);
    *ret = (unsigned)number;
    return 0;
}

static int parse_boolean(const char *key, const char *value, bool *ret)
{
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return log_errno(-EINVAL, "--balloon: %s=%s is neither yes nor no", key, value);
    *ret = value[0] == 'y';
    return 0;
}

static int parse_file(const char *value, char ret[static PATH_MAX])
{
    if (value[0] == '\0' || strcmp(value, "fd:") == 0 || strlen(value) >= PATH_MAX)
        return log_errno(-EINVAL, "--balloon: file='%s' is neither fd:NAME nor a path", value);
    strcpy(ret, value);
    return 0;
}

static int parse_setting(void *of, const char *setting, const char *value)
{
    struct balloon_settings *settings = of;

    if (!value)
        return device_option_no_value("balloon", setting);
    if (strcmp(setting, "size") == 0)
        return parse_number(setting, value, SIZE_MAX_MIB, &settings->size_mib);
    if (strcmp(setting, "deflate-on-oom") == 0)
        return parse_boolean(setting, value, &settings->deflate_on_oom);
    if (strcmp(setting, "reporting") == 0)
        return parse_boolean(setting, value, &settings->reporting);
    if (strcmp(setting, "statistics") == 0)
        return parse_number(setting, value, STATISTICS_MAX_SEC, &settings->statistics_sec);
    if (strcmp(setting, "file") == 0)
        return parse_file(value, settings->file);
    return log_errno(-EINVAL,
                     "--balloon: unknown setting '%s': size, deflate-on-oom, reporting, statistics "
                     "and file are known",
                     setting);
}

int balloon_settings_parse(const char *argument, struct balloon_settings *ret)
{
    struct balloon_settings settings = {.deflate_on_oom = true, .reporting = true};

    int r = device_option_parse("balloon", argument, settings.id, parse_setting, &settings);
    if (r < 0)
        return r;
    *ret = settings;
    return 0;
}
