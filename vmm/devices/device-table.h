/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices that a machine can have: one row of one table each. */
#pragma once

#include "vmm/virtio/device.h"

/* What a device may ask for while it is built; there is nothing to ask for later. */
struct device_environment {
    const struct guest_memory *memory;
    /*
     * The descriptor called NAME, which becomes the caller's, from those that were handed over.
     * -ENOENT with a logged error where there is none.
     */
    int (*take_fd)(void *context, const char *name);
    /* Whether there is one that nobody took. */
    bool (*has_fd)(void *context, const char *name);
    /* Has systemd close its copy. */
    void (*forget_fd)(void *context, const char *name);
    void *context;
};

struct device_kind {
    const char *option; /* the command line's --OPTION=… */
    const char *help;
    /*
     * Makes a device from ARGUMENT, the option's value. 0 with *RET, freed by its type's destroy(),
     * or -errno; logs.
     */
    int (*create)(const char *argument, const struct device_environment *environment,
                  struct virtio_device **ret);
};

/* Ends with a row whose option is NULL. */
extern const struct device_kind device_kinds[];
