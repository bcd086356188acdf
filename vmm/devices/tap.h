/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A TAP queue: an Ethernet port of the host as a file descriptor. */
#pragma once

#include "vmm/cleanup.h"

/* The header before each packet: struct virtio_net_hdr_v1, as virtio 1.x has it. */
enum { TAP_HEADER_SIZE = 12 };

/*
 * Attaches to the existing TAP interface NAME: one more queue of it where MULTI_QUEUE, which the
 * interface must have been made with. Returns the descriptor, or -errno.
 */
int tap_open(const char *name, bool multi_queue);

/*
 * Makes FD, an attached TAP queue, ready for a device: non-blocking, our header, no offloads.
 * -ENOTTY where it is no TAP queue, -EINVAL for one made without IFF_VNET_HDR.
 */
int tap_prepare(int fd);

/* Whether the interface of FD can give and take UDP packets in large segments (Linux 6.2). Leaves
 * it without offloads. */
bool tap_knows_uso(int fd);

/*
 * What the interface may leave to the guest, for all its queues: FEATURES is a mask of
 * VIRTIO_NET_F_GUEST_* bits. 0 or -errno.
 */
int tap_set_offloads(int fd, uint64_t features);

/*
 * Whether the interface, made with IFF_MULTI_QUEUE, gives packets to this queue. 0 or -errno,
 * -EINVAL where that is so already.
 */
int tap_set_attached(int fd, bool attached);
