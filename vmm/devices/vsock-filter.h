/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the thread of the sockets between guest and host asks of the kernel, which serves them. */
#pragma once

#include "vmm/virtio/vhost-filter.h"

static const struct filter_rule filter_rules_vsock[] = {
    FILTER_DEVICE_THREAD,
    FILTER_VHOST_QUEUES,
    CALL(ioctl, "begins and ends", INT(1, "request", VHOST_VSOCK_SET_RUNNING)),
};
