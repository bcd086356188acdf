/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a thread asks of the kernel that has it serve a virtqueue (vhost.c). */
#pragma once

#include <linux/vhost.h>

#include "vmm/filter-rule.h"

#define FILTER_VHOST_QUEUES                                                                        \
    CALL(ioctl, "what driver and kernel agreed on", INT(1, "request", VHOST_SET_FEATURES)),        \
        CALL(ioctl, "a ring's size", INT(1, "request", VHOST_SET_VRING_NUM)),                      \
        CALL(ioctl, "a ring's place", INT(1, "request", VHOST_SET_VRING_ADDR)),                    \
        CALL(ioctl, "where a ring begins", INT(1, "request", VHOST_SET_VRING_BASE)),               \
        CALL(ioctl, "how far a ring came", INT(1, "request", VHOST_GET_VRING_BASE)),               \
        CALL(ioctl, "how the driver notifies", INT(1, "request", VHOST_SET_VRING_KICK)),           \
        CALL(ioctl, "how it is interrupted", INT(1, "request", VHOST_SET_VRING_CALL)),             \
        CALL(ioctl, "where errors are told", INT(1, "request", VHOST_SET_VRING_ERR))
