/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The --net= option. */
#include <string.h>

#include "vmm/devices/device-option.h"
#include "vmm/devices/net.h"
#include "vmm/log.h"

enum {
    NET_MTU_MIN = 68, /* virtio 1.2, 5.1.4.1 */
    NET_MTU_MAX = 65535,
};

static int parse_mac(const char *text, uint8_t ret[6])
{
    uint8_t any = 0;

    if (strlen(text) != 17)
        return -EINVAL;
    for (unsigned i = 0; i < 6; i++, text += 3) {
        const char digits[] = {text[0], text[1], '\0'};

        /* strtoul() alone would take signs and blanks, too. */
        if (strspn(digits, "0123456789abcdefABCDEF") != 2 || text[2] != (i < 5 ? ':' : '\0'))
            return -EINVAL;
        ret[i] = (uint8_t)strtoul(digits, NULL, 16);
        any |= ret[i];
    }
    return (ret[0] & 1) || !any ? -EINVAL : 0; /* a station's address is unicast */
}

static int parse_number(const char *text, unsigned long min, unsigned long max, uint16_t *ret)
{
    char *end;

    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < min || value > max)
        return -EINVAL;
    *ret = (uint16_t)value;
    return 0;
}

static int parse_setting(void *of, const char *setting, const char *value)
{
    struct net_settings *settings = of;

    if (!value)
        return device_option_no_value("net", setting);
    if (strcmp(setting, "tap") == 0) {
        if (value[0] == '\0' || strlen(value) >= sizeof(settings->tap))
            return log_errno(-EINVAL, "--net: tap='%s' is neither fd:PREFIX nor an interface",
                             value);
        strcpy(settings->tap, value);
    } else if (strcmp(setting, "mac") == 0) {
        if (parse_mac(value, settings->mac) < 0)
            return log_errno(-EINVAL,
                             "--net: '%s' is no unicast MAC address such as "
                             "52:54:00:12:34:56",
                             value);
        settings->has_mac = true;
    } else if (strcmp(setting, "mtu") == 0) {
        if (parse_number(value, NET_MTU_MIN, NET_MTU_MAX, &settings->mtu) < 0)
            return log_errno(-EINVAL, "--net: mtu=%s is not from %d to %d", value, NET_MTU_MIN,
                             NET_MTU_MAX);
    } else if (strcmp(setting, "queues") == 0) {
        if (parse_number(value, 1, NET_PAIRS_MAX, &settings->queues) < 0)
            return log_errno(-EINVAL, "--net: queues=%s is not from 1 to %d", value, NET_PAIRS_MAX);
    } else if (strcmp(setting, "offloads") == 0) {
        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
            return log_errno(-EINVAL, "--net: offloads=%s is neither yes nor no", value);
        settings->offloads = strcmp(value, "yes") == 0;
    } else if (strcmp(setting, "vhost") == 0) {
        if ((value[0] != '/' && strncmp(value, "fd:", 3) != 0) ||
            strlen(value) >= sizeof(settings->vhost))
            return log_errno(-EINVAL, "--net: vhost='%s' is neither fd:PREFIX nor a path", value);
        strcpy(settings->vhost, value);
    } else {
        return log_errno(-EINVAL,
                         "--net: unknown setting '%s': tap, mac, mtu, queues, offloads and vhost "
                         "are known",
                         setting);
    }
    return 0;
}

int net_settings_parse(const char *argument, struct net_settings *ret)
{
    struct net_settings settings = {.queues = 1, .offloads = true};

    int r = device_option_parse("net", argument, settings.id, parse_setting, &settings);
    if (r < 0)
        return r;
    if (settings.tap[0] == '\0')
        return log_errno(-EINVAL, "--net=%s: tap= is missing: tap=NAME or tap=fd:PREFIX",
                         settings.id);
    *ret = settings;
    return 0;
}
