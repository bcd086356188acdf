/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Queues of a TAP (Documentation/networking/tuntap.rst in the kernel). */
#pragma once

#include "vmm/cleanup.h"

#include <net/if.h>

enum tap_how {
    TAP_ATTACH, /* to a link that is there */
    TAP_CREATE, /* a link that must not be there; without TAP_PERSIST it goes with its last fd */
};

/* Opens QUEUES queues of the TAP NAME, with a virtio-net header of 12 bytes before each packet,
 * into ret_fds (non-blocking). A queue that another process still holds is waited for, for
 * TIMEOUT_MS in all. Returns -EBUSY when it stayed held (or, creating, the name is taken), -EINVAL
 * when the link was made with other flags; -errno of /dev/net/tun otherwise, with *ret_what naming
 * it. */
int tap_open(const char *name, unsigned queues, enum tap_how how, int timeout_ms, int *ret_fds,
             const char **ret_what);

/* Whether the link stays without a fd attached to it. */
int tap_set_persist(int fd, bool persist);
