/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the thread of a network card asks of the kernel whose packets vhost-net moves. */
#pragma once

#include <linux/if_tun.h>

#include "vmm/virtio/vhost-filter.h"

static const struct filter_rule filter_rules_net_vhost[] = {
    FILTER_DEVICE_THREAD,
    CALL(epoll_ctl, "whether the TAP is there still", INT(1, "operation", EPOLL_CTL_MOD)),
    FILTER_VHOST_QUEUES,
    CALL(ioctl, "begins and ends", INT(1, "request", VHOST_NET_SET_BACKEND)),
    CALL(ioctl, "what the driver negotiated", INT(1, "request", TUNSETOFFLOAD)),
    CALL(ioctl, "how many queue pairs it uses", INT(1, "request", TUNSETQUEUE)),
};
