/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How fast a disk may be, over all of its queues. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "vmm/cleanup.h"

enum {
    DISK_IOPS_MAX = 10000000,
    DISK_MBPS_MAX = 100000,
};

/* Each rate has a time when all that was let through is paid for; until then nothing more begins.
 */
struct disk_limit {
    atomic_bool active;    /* there is a limit at all */
    pthread_mutex_t mutex; /* guards the rest */
    uint32_t iops, mbps;   /* requests, and millions of bytes, a second; 0: no limit */
    uint64_t requests_due_ns, bytes_due_ns;
};

void disk_limit_init(struct disk_limit *limit);
void disk_limit_done(struct disk_limit *limit);

/* Sets new rates; what was let through before is forgiven. Any thread, as all that follow. */
void disk_limit_set(struct disk_limit *limit, uint32_t iops, uint32_t mbps);
void disk_limit_get(struct disk_limit *limit, uint32_t *ret_iops, uint32_t *ret_mbps);

/* Whether a request may begin at NOW_NS. */
bool disk_limit_is_open(struct disk_limit *limit, uint64_t now_ns);

/* So much has begun, and is paid for by those that come after it. */
void disk_limit_charge(struct disk_limit *limit, unsigned requests, uint64_t bytes,
                       uint64_t now_ns);
