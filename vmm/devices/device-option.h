/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the devices' options have in common: --OPTION=ID,KEY=VALUE,KEY=VALUE… */
#pragma once

#include "vmm/virtio/device.h"

/* Copies ID to RET where it may be a device's. 0 or -EINVAL; logs what is wrong with --OPTION. */
int device_option_id(const char *option, const char *id, char ret[static VIRTIO_ID_SIZE]);

/*
 * Cuts ARGUMENT, the value of --OPTION, at its commas: the first part is the id and goes to RET_ID,
 * unless that is NULL; SET is called with each further one, cut at its first '=', or with VALUE
 * NULL where it has none. 0 or the first -errno, of SET's, too; logs its own.
 */
int device_option_parse(const char *option, const char *argument, char *ret_id,
                        int (*set)(void *settings, const char *key, const char *value),
                        void *settings);

/* The error for a KEY that needs a value: -EINVAL; logs. */
int device_option_no_value(const char *option, const char *key);
