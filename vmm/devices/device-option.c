/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes the devices' options apart. */
#include "vmm/devices/device-option.h"

#include <string.h>

#include "vmm/log.h"

int device_option_id(const char *option, const char *id, char ret[static VIRTIO_ID_SIZE])
{
    if (!virtio_id_valid(id))
        return log_errno(-EINVAL, "--%s: '%s' is no id: up to %d of a-z, 0-9, _ and -", option, id,
                         VIRTIO_ID_SIZE - 1);
    strcpy(ret, id);
    return 0;
}

int device_option_parse(const char *option, const char *argument, char *ret_id,
                        int (*set)(void *settings, const char *key, const char *value),
                        void *settings)
{
    _cleanup_free_ char *copy = strdup(argument);
    if (!copy)
        return -ENOMEM;

    char *rest = copy;
    int r = ret_id ? device_option_id(option, strsep(&rest, ","), ret_id) : 0;
    for (char *key; r >= 0 && (key = strsep(&rest, ","));) {
        char *value = strchr(key, '=');

        if (value)
            *value++ = '\0';
        r = set(settings, key, value);
    }
    return r;
}

int device_option_no_value(const char *option, const char *key)
{
    return log_errno(-EINVAL, "--%s: '%s' has no value: write %s=…", option, key, key);
}
