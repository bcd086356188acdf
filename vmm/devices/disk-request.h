/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One request of virtio-blk (virtio 1.2, 5.2.6). */
#pragma once

#include "vmm/devices/disk-device.h"

/*
 * Checks and does what CHAIN asks for, and writes its status. BOUNCE is as for disk_image_read().
 * Uses up CHAIN's buffers, not its head. 0 with the used length, or -EPROTO where the chain has no
 * room for a header or a status: the driver is broken then, and nothing was done.
 */
int disk_request_serve(struct disk *disk, struct virtqueue_chain *chain, uint8_t *bounce,
                       uint32_t *ret_length);
