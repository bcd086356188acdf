/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-balloon from within: what its own files share. */
#pragma once

#include <linux/virtio_balloon.h>

#include "vmm/devices/balloon.h"
#include "vmm/virtio/ticker.h"

/*
 * 5.5.2. Drivers count only the queues that they use (Linux does), so that reports come by queue 3
 * where free page hints were not offered, which they are not, or by queue 4, as the text says.
 */
enum balloon_queue {
    BALLOON_INFLATE,
    BALLOON_DEFLATE,
    BALLOON_STATISTICS,
    BALLOON_REPORTING,
    BALLOON_REPORTING_AS_SPECIFIED,
    BALLOON_QUEUES,
};

enum {
    BALLOON_PAGE_SIZE = 1 << VIRTIO_BALLOON_PFN_SHIFT,
    /* Of one request; Linux has 256. What is beyond stays with the guest. */
    BALLOON_PFNS_MAX = 4096,
    BALLOON_STATISTICS_MAX = 16, /* tags that are told apart */
};

/* What one report may give back: Linux has at most 32 blocks of 4 MiB. */
#define BALLOON_REPORT_MAX (UINT64_C(1) << 30)

struct balloon_statistics {
    uint64_t values[BALLOON_STATISTICS_MAX];
    uint32_t known; /* a bit for each tag */
};

struct balloon;

struct balloon_kick {
    struct event_source source;
    struct balloon *balloon;
};

struct balloon {
    struct virtio_device device;
    struct virtio_balloon_config config; /* under the device's mutex */
    char *argument;                      /* owned: --balloon= as it was at the start */
    /* The rest is the device thread's. */
    struct balloon_kick kicks[BALLOON_QUEUES];
    struct ticker ask;         /* for statistics; no timer where they are not asked for */
    struct ticker tell;        /* bounds how often what is new is told */
    struct event_source moved; /* an eventfd: the guest wrote how large the balloon is */
    int asked_head;            /* the driver's statistics buffer, which waits for us; -1: none */
    struct balloon_statistics statistics;
    uint64_t released; /* bytes given back to the host, in all */
    int file;          /* owned: where figures are written to, or -EBADF */
    size_t file_size;  /* it only grows */
    bool file_failed, release_failed;
    struct virtqueue_chain chain;
};

static inline struct balloon *balloon_of(struct virtio_device *device)
{
    return container_of(device, struct balloon, device);
}

/* What a chain asks for; 0 or -EPROTO. All on the device's thread. */
int balloon_inflate(struct balloon *balloon);
int balloon_report(struct balloon *balloon);
int balloon_take_statistics(struct balloon *balloon);

/* Writes the file and the line for systemctl status. */
void balloon_tell(struct balloon *balloon);
void balloon_describe(struct virtio_device *device, char *ret, size_t size);
