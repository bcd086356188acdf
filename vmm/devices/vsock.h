/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-vsock (virtio 1.2, 5.10) by the host's vhost-vsock: sockets between guest and host. */
#pragma once

#include <limits.h>

#include "vmm/devices/device-table.h"
#include "vmm/virtio/vhost.h"

enum {
    VSOCK_QUEUE_SIZE = 128,
    VSOCK_CID_MIN = 3, /* below are the hypervisor's, the loopback's and the host's (5.10.4) */
};

#define VSOCK_CID_MAX UINT32_C(0xfffffffe) /* all ones: anybody */

/* What --vsock= says. */
struct vsock_settings {
    uint32_t cid;
    char vhost[PATH_MAX]; /* a path, or fd:NAME */
};

/* Reads "cid=N,vhost=…". 0 or -EINVAL; logs what is wrong and what would be right. */
int vsock_settings_parse(const char *argument, struct vsock_settings *ret);

/*
 * A row of the device table. A descriptor that was handed over has its CID; of a path, the CID is
 * set here.
 */
int vsock_create(const char *argument, const struct device_environment *environment,
                 struct virtio_device **ret);
