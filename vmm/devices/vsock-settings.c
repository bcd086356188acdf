/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The --vsock= option. */
#include <string.h>

#include "vmm/devices/device-option.h"
#include "vmm/devices/vsock.h"
#include "vmm/log.h"

static int parse_cid(struct vsock_settings *settings, const char *value)
{
    char *end;

    errno = 0;
    unsigned long long cid = strtoull(value, &end, 10);
    if (errno != 0 || value[0] < '0' || value[0] > '9' || *end != '\0' || cid < VSOCK_CID_MIN ||
        cid > VSOCK_CID_MAX)
        return log_errno(-EINVAL, "--vsock: cid=%s is not a number from %d to %u", value,
                         VSOCK_CID_MIN, VSOCK_CID_MAX);
    settings->cid = (uint32_t)cid;
    return 0;
}

static int parse_setting(void *of, const char *setting, const char *value)
{
    struct vsock_settings *settings = of;

    if (!value)
        return device_option_no_value("vsock", setting);
    if (strcmp(setting, "cid") == 0)
        return parse_cid(settings, value);
    if (strcmp(setting, "vhost") != 0)
        return log_errno(-EINVAL, "--vsock: unknown setting '%s': cid and vhost are known",
                         setting);
    if ((value[0] != '/' && (strncmp(value, "fd:", 3) != 0 || value[3] == '\0')) ||
        strlen(value) >= sizeof(settings->vhost))
        return log_errno(-EINVAL, "--vsock: vhost='%s' is neither fd:NAME nor a path", value);
    strcpy(settings->vhost, value);
    return 0;
}

int vsock_settings_parse(const char *argument, struct vsock_settings *ret)
{
    struct vsock_settings settings = {0};

    int r = device_option_parse("vsock", argument, NULL, parse_setting, &settings);
    if (r < 0)
        return r;
    if (settings.cid == 0)
        return log_errno(-EINVAL, "--vsock: cid= is missing: cid=N, from %d on", VSOCK_CID_MIN);
    if (settings.vhost[0] == '\0')
        return log_errno(-EINVAL,
                         "--vsock: vhost= is missing: vhost=/dev/vhost-vsock or vhost=fd:NAME");
    *ret = settings;
    return 0;
}
