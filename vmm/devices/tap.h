/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A TAP queue: an Ethernet port of the host as a file descriptor. */
#pragma once

#include "vmm/cleanup.h"

/* The header before each packet: struct virtio_net_hdr_v1, as virtio 1.x has it. */
enum { TAP_HEADER_SIZE = 12 };

/* Attaches to the existing TAP interface NAME. Returns the descriptor, or -errno. */
int tap_open(const char *name);

/*
 * Makes FD, an attached TAP queue, ready for a device: non-blocking, our header, no offloads.
 * -ENOTTY where it is no TAP queue, -EINVAL for one made without IFF_VNET_HDR.
 */
int tap_prepare(int fd);
