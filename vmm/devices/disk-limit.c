/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rates, as the time that each request takes of them. */
#include "vmm/devices/disk-limit.h"

#include "vmm/clock.h"

/* What an idle disk saves up: a guest that asks now and then does not feel the limit. */
#define BURST_NS (CLOCK_NS_PER_SEC / 10)

void disk_limit_init(struct disk_limit *limit)
{
    *limit = (struct disk_limit){.mutex = PTHREAD_MUTEX_INITIALIZER};
}

void disk_limit_done(struct disk_limit *limit)
{
    pthread_mutex_destroy(&limit->mutex);
}

void disk_limit_set(struct disk_limit *limit, uint32_t iops, uint32_t mbps)
{
    pthread_mutex_lock(&limit->mutex);
    limit->iops = iops;
    limit->mbps = mbps;
    limit->requests_due_ns = limit->bytes_due_ns = 0;
    pthread_mutex_unlock(&limit->mutex);
    atomic_store(&limit->active, iops > 0 || mbps > 0);
}

void disk_limit_get(struct disk_limit *limit, uint32_t *ret_iops, uint32_t *ret_mbps)
{
    pthread_mutex_lock(&limit->mutex);
    *ret_iops = limit->iops;
    *ret_mbps = limit->mbps;
    pthread_mutex_unlock(&limit->mutex);
}

bool disk_limit_is_open(struct disk_limit *limit, uint64_t now_ns)
{
    if (!atomic_load(&limit->active))
        return true;
    pthread_mutex_lock(&limit->mutex);
    bool open = limit->requests_due_ns <= now_ns && limit->bytes_due_ns <= now_ns;
    pthread_mutex_unlock(&limit->mutex);
    return open;
}

static void charge(uint64_t *due_ns, uint64_t now_ns, uint64_t cost_ns)
{
    uint64_t earliest = now_ns > BURST_NS ? now_ns - BURST_NS : 0;

    if (*due_ns < earliest)
        *due_ns = earliest;
    *due_ns += cost_ns;
}

void disk_limit_charge(struct disk_limit *limit, unsigned requests, uint64_t bytes, uint64_t now_ns)
{
    if (!atomic_load(&limit->active))
        return;
    pthread_mutex_lock(&limit->mutex);
    if (limit->iops > 0)
        charge(&limit->requests_due_ns, now_ns, requests * CLOCK_NS_PER_SEC / limit->iops);
    if (limit->mbps > 0)
        charge(&limit->bytes_due_ns, now_ns, bytes * 1000 / limit->mbps);
    pthread_mutex_unlock(&limit->mutex);
}
