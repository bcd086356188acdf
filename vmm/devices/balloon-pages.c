/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages that the guest has no use for: they become holes in the file that is its memory. */
#include <string.h>

#include "vmm/devices/balloon-device.h"
#include "vmm/log.h"

/* Pages that are neighbours in the file; none where both are the same. */
struct run {
    uint8_t *begin, *end;
};

static void release(struct balloon *balloon, void *p, uint64_t length)
{
    uint64_t released = 0;
    int r = guest_memory_release(balloon->device.memory, p, length, &released);

    balloon->released += released;
    if (r < 0 && !balloon->release_failed)
        log_error("'%s': the host does not take memory back: %s", balloon->device.id, strerror(-r));
    balloon->release_failed |= r < 0;
}

static void run_end(struct balloon *balloon, struct run *run)
{
    if (run->end > run->begin)
        release(balloon, run->begin, (uint64_t)(run->end - run->begin));
    *run = (struct run){0};
}

/* Drivers list neighbours upwards or downwards: one call to the kernel does for all of them. */
static void run_add(struct balloon *balloon, struct run *run, uint8_t *page)
{
    if (page == run->end) {
        run->end += BALLOON_PAGE_SIZE;
    } else if (page + BALLOON_PAGE_SIZE == run->begin) {
        run->begin = page;
    } else {
        run_end(balloon, run);
        *run = (struct run){page, page + BALLOON_PAGE_SIZE};
    }
}

static void run_add_pages(struct balloon *balloon, struct run *run, const uint32_t *pfns, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t gpa = (uint64_t)pfns[i] << VIRTIO_BALLOON_PFN_SHIFT;
        uint8_t *page = guest_memory_at(balloon->device.memory, gpa, BALLOON_PAGE_SIZE);

        if (page) /* what is no RAM has nothing to give back */
            run_add(balloon, run, page);
    }
}

/* 5.5.6: an array of page numbers, whatever the pages' size in the guest or on the host. */
int balloon_inflate(struct balloon *balloon)
{
    struct run run = {0};
    uint32_t pfns[256];
    size_t n;

    if (balloon->chain.n_in > 0)
        return -EPROTO;
    for (unsigned i = 0; i < BALLOON_PFNS_MAX; i += (unsigned)n) {
        n = virtqueue_chain_read(&balloon->chain, i * sizeof(pfns[0]), pfns, sizeof(pfns)) /
            sizeof(pfns[0]);
        if (n == 0)
            break;
        run_add_pages(balloon, &run, pfns, n);
    }
    run_end(balloon, &run);
    return 0;
}

/* Free pages with something in them, which the guest counts on (5.5.6.7). */
static bool is_poisoned(struct balloon *balloon)
{
    pthread_mutex_lock(&balloon->device.mutex);
    bool poisoned = virtio_device_has(&balloon->device, VIRTIO_BALLOON_F_PAGE_POISON) &&
                    balloon->config.poison_val != 0;
    pthread_mutex_unlock(&balloon->device.mutex);
    return poisoned;
}

/* 5.5.6.7: the buffers themselves are what is free, until they are given back. */
int balloon_report(struct balloon *balloon)
{
    uint64_t left = BALLOON_REPORT_MAX;

    if (balloon->chain.n_out > 0)
        return -EPROTO;
    if (is_poisoned(balloon))
        return 0;
    for (unsigned i = 0; i < balloon->chain.n_in; i++) {
        const struct iovec *buffer = &balloon->chain.iov[i];
        uint64_t length = buffer->iov_len < left ? buffer->iov_len : left;

        release(balloon, buffer->iov_base, length);
        left -= length;
    }
    return 0;
}
