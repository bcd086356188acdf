/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that the kernel makes while the thread does something else: an io_uring for one image. */
#pragma once

#include "vmm/devices/disk-call.h"

struct disk_ring;

enum { DISK_RING_WORKERS = 8 }; /* threads that the kernel takes at most for what would block */

/*
 * Makes a ring for up to N calls at a time. From here on it can do what a disk_call asks for to the
 * file FD, and nothing else: not with other files, not by other operations, whoever enters it. 0
 * with *RET, or -errno where this kernel, or its administrator, has no such thing.
 */
int disk_ring_new(int fd, unsigned n, struct disk_ring **ret);
void disk_ring_free(struct disk_ring *ring);

/* A descriptor that is readable while there are answers; the ring's own. */
int disk_ring_fd(const struct disk_ring *ring);

/* Puts CALL, which must stay, into the ring. No more than N are under way: there is room. */
void disk_ring_add(struct disk_ring *ring, const struct disk_call *call, void *tag);

/* Has the kernel take what was added; with WAIT, until there is an answer. 0, or -errno where it
 * did not take all: to be called again. */
int disk_ring_submit(struct disk_ring *ring, bool wait);

/*
 * Takes an answer, if there is one: what the system call would have returned, or -errno. -ECANCELED
 * and -EAGAIN tell that the kernel could not make the call this way.
 */
bool disk_ring_take(struct disk_ring *ring, void **ret_tag, int64_t *ret_answer);
