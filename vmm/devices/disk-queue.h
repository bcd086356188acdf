/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One virtqueue of virtio-blk, and the thread that serves it. All calls come on the device's
 * thread. */
#pragma once

#include "vmm/devices/disk-device.h"

enum { DISK_UNDER_WAY_MAX = 128 }; /* requests of a queue that a ring works on at a time */

/*
 * The first queue is served by the device's own thread, any other by one of its own. WITH_RING, the
 * kernel makes the calls (disk-ring.h), else that thread. 0 with *RET or -errno.
 */
int disk_queue_new(struct disk *disk, unsigned index, bool with_ring, struct disk_queue **ret);
void disk_queue_free(struct disk_queue *queue);

/* Makes the thread, if any, which waits at GATE. The number of threads made, or -errno. */
int disk_queue_start_thread(struct disk_queue *queue, struct thread_gate *gate);

/* The virtqueue was started and is served from here on. 0 or -errno. */
int disk_queue_start(struct disk_queue *queue);

/* After this returns no request is under way. Nothing for a queue that was not started. */
void disk_queue_stop(struct disk_queue *queue);
