/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The --readiness= option. */
#include <string.h>

#include "vmm/log.h"
#include "vmm/readiness.h"

static int parse_timeout(struct readiness_settings *settings, const char *value)
{
    char *end;

    errno = 0;
    unsigned long seconds = strtoul(value, &end, 10);
    if (errno != 0 || value[0] < '0' || value[0] > '9' || *end != '\0' || seconds < 1 ||
        seconds > READINESS_TIMEOUT_MAX_SEC)
        return log_errno(-EINVAL, "--readiness: timeout=%s is not from 1 to %d", value,
                         READINESS_TIMEOUT_MAX_SEC);
    settings->timeout_sec = (unsigned)seconds;
    return 0;
}

static int parse_setting(struct readiness_settings *settings, const char *setting)
{
    const char *listen = "listen=fd:", *timeout = "timeout=";

    if (strcmp(setting, "optional") == 0) {
        settings->optional = true;
        return 0;
    }
    if (strncmp(setting, timeout, strlen(timeout)) == 0)
        return parse_timeout(settings, setting + strlen(timeout));
    if (strncmp(setting, listen, strlen(listen)) != 0)
        return log_errno(-EINVAL,
                         "--readiness: unknown setting '%s': listen=fd:NAME, timeout=SECONDS and "
                         "optional are known",
                         setting);
    if (setting[strlen(listen)] == '\0' ||
        strlen(setting + strlen(listen)) >= sizeof(settings->listen))
        return log_errno(-EINVAL, "--readiness: '%s' names no descriptor", setting);
    strcpy(settings->listen, setting + strlen(listen));
    return 0;
}

int readiness_settings_parse(const char *argument, struct readiness_settings *ret)
{
    struct readiness_settings settings = {.timeout_sec = READINESS_TIMEOUT_DEFAULT_SEC};
    _cleanup_free_ char *copy = strdup(argument);
    if (!copy)
        return -ENOMEM;

    char *rest = copy, *word = strsep(&rest, ",");
    settings.guest = strcmp(word, "guest") == 0;
    if (!settings.guest && (strcmp(word, "vmm") != 0 || rest))
        return log_errno(-EINVAL, "--readiness=%s is neither vmm nor guest,listen=fd:NAME",
                         argument);
    for (char *setting; (setting = strsep(&rest, ","));) {
        int r = parse_setting(&settings, setting);
        if (r < 0)
            return r;
    }
    if (settings.guest && settings.listen[0] == '\0')
        return log_errno(-EINVAL, "--readiness=guest: listen=fd:NAME is missing");
    *ret = settings;
    return 0;
}
