/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the threads of a network card ask of the kernel that move its packets themselves. */
#pragma once

#include <linux/if_tun.h>

#include "vmm/filter-rule.h"

static const struct filter_rule filter_rules_net[] = {
    FILTER_DEVICE_THREAD,
    CALL(epoll_ctl, "a TAP without buffers waits", INT(1, "operation", EPOLL_CTL_MOD)),
    CALL(readv, "receives packets"),
    CALL(writev, "sends packets"),
    CALL(ioctl, "what the driver negotiated", INT(1, "request", TUNSETOFFLOAD)),
    CALL(ioctl, "how many queue pairs it uses", INT(1, "request", TUNSETQUEUE)),
};
