/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A question to a device, answered on its thread while the asker goes on: what it is now, or a new
 * configuration. */
#pragma once

#include "vmm/virtio/device.h"
#include "vmm/virtio/reply.h"

struct virtio_inquiry {
    struct virtio_device *device;
    const char *argument; /* the option's new value; NULL: describe yourself */
    int answered;         /* an eventfd of the asker's, which gets a 1 */
    /* What was asked, and what is answered, is the device's thread's as long as this is set. */
    atomic_bool pending;
    int result; /* 0, or the -errno of reconfigure() */
    char reply[REPLY_SIZE];
};

/* Asks; one inquiry at a time for a device, with DEVICE, ARGUMENT and ANSWERED set. */
void virtio_inquiry_start(struct virtio_inquiry *inquiry);
