/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The --console= option, and the socket that it names. */
#pragma once

#include <limits.h>

#include "vmm/devices/device-table.h"

struct console_settings {
    char id[VIRTIO_ID_SIZE];
    char listen[PATH_MAX]; /* a path, fd:NAME, or empty: nobody attaches */
};

/* Reads "ID[,listen=…]". 0 or -EINVAL; logs what is wrong and what would be right. */
int console_settings_parse(const char *argument, struct console_settings *ret);

/*
 * The listening socket, which does not block; -EBADF in *RET where none was asked for, or where the
 * one that was to be handed over is not there: a VM does not go down for want of it. 0 or -errno;
 * logs.
 */
int console_listen(const struct console_settings *settings,
                   const struct device_environment *environment, int *ret);
