/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-rng: getrandom(2) fills the guest's buffers, at a rate that costs the host little. */
#include "vmm/devices/rng.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "vmm/clock.h"
#include "vmm/devices/device-option.h"
#include "vmm/filters.h"
#include "vmm/log.h"
#include "vmm/virtio/ticker.h"

enum {
    RNG_PCI_CLASS = 0xff0000, /* of no class */
    RNG_BATCH = 32,           /* requests, before others have their turn */
    RNG_TICK_MS = 10,
};

#define RNG_FEATURES                                                                               \
    (UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC | UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX)

struct rng {
    struct virtio_device device;
    /* All of it the device thread's. */
    struct event_source kick;
    struct ticker ticker; /* while requests wait for the rate */
    int64_t credit;       /* bytes that may be given now; less than none after one too many */
    uint64_t credit_ns;
    bool failed; /* it was said */
    struct virtqueue_chain chain;
};

static struct rng *rng_of(struct virtio_device *device)
{
    return container_of(device, struct rng, device);
}

/* What time has given since the last look, up to a burst. */
static void earn(struct rng *rng)
{
    uint64_t now = clock_now_ns(), passed = now - rng->credit_ns;

    if (passed > CLOCK_NS_PER_SEC)
        passed = CLOCK_NS_PER_SEC;
    int64_t earned = (int64_t)(passed * RNG_BYTES_PER_SECOND / CLOCK_NS_PER_SEC);
    if (earned == 0) /* too soon: time less than a byte's is not lost */
        return;
    rng->credit += earned;
    rng->credit_ns = now;
    if (rng->credit > RNG_BURST)
        rng->credit = RNG_BURST;
}

/*
 * Not by libc's getrandom(), which may map memory for itself. It waits where the host has no
 * randomness yet, in the first second of its life. Bytes written.
 */
static size_t fill(struct rng *rng, uint8_t *p, size_t length)
{
    size_t done = 0;

    while (done < length) {
        long n = syscall(SYS_getrandom, p + done, length - done, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (!rng->failed)
                log_error("The host has no random numbers for '%s': %m", rng->device.id);
            rng->failed = true;
            break;
        }
        done += (size_t)n;
    }
    return done;
}

static uint32_t answer(struct rng *rng)
{
    size_t done = 0;

    for (unsigned i = 0; i < rng->chain.n_in && done < RNG_REQUEST_MAX; i++) {
        size_t room = RNG_REQUEST_MAX - done, length = rng->chain.iov[i].iov_len;
        size_t part = length < room ? length : room,
               n = fill(rng, rng->chain.iov[i].iov_base, part);

        done += n;
        if (n < part)
            break;
    }
    rng->credit -= done < RNG_REQUEST_MIN ? RNG_REQUEST_MIN : (int64_t)done;
    return (uint32_t)done;
}

/* 1: a request was served; 0: there is none; -EPROTO. */
static int serve_one(struct rng *rng, struct virtqueue *queue)
{
    int r = virtqueue_pop(queue, &rng->chain);

    if (r <= 0)
        return r;
    if (rng->chain.n_out > 0)
        return -EPROTO; /* 5.4.6.1 */
    virtqueue_push(queue, rng->chain.head, answer(rng));
    return 1;
}

static void serve(struct rng *rng)
{
    struct virtio_device *device = &rng->device;
    struct virtqueue *queue = &device->queues[0];
    unsigned served = 0;
    int r = 0;

    earn(rng);
    virtqueue_disable_notification(queue);
    do {
        while (served < RNG_BATCH && rng->credit > 0 && (r = serve_one(rng, queue)) == 1)
            served++;
    } while (r == 0 && rng->credit > 0 && virtqueue_enable_notification(queue) &&
             ++served < RNG_BATCH);
    if (virtqueue_must_signal(queue))
        device->transport.signal_queue(device->transport.context, 0);
    if (r < 0)
        virtio_device_fault(device, "an entropy request is broken");
    else if (rng->credit <= 0)
        (void)ticker_wait(&rng->ticker, &device->worker.loop);
    else if (served >= RNG_BATCH)
        (void)eventfd_write(rng->kick.fd, 1);
}

static void kicked(struct event_source *source, uint32_t events _unused_)
{
    struct rng *rng = container_of(source, struct rng, kick);

    if (!rng->ticker.waiting)
        serve(rng);
}

static void ticked(struct event_source *source, uint32_t events _unused_)
{
    struct rng *rng = container_of(source, struct rng, ticker.source);

    if (!ticker_heard(&rng->ticker))
        return;
    earn(rng);
    /* Enough for a whole request, so that not every tick is worth one byte. */
    if (rng->credit < RNG_REQUEST_MAX)
        return;
    ticker_stop(&rng->ticker, &rng->device.worker.loop);
    serve(rng);
}

static void rng_stop(struct virtio_device *device)
{
    struct rng *rng = rng_of(device);

    event_loop_remove(&device->worker.loop, &rng->kick);
    ticker_stop(&rng->ticker, &device->worker.loop);
}

static int rng_start(struct virtio_device *device)
{
    struct rng *rng = rng_of(device);

    if (!device->queues[0].state.enabled)
        return -EINVAL;
    /* Each write to an eventfd is an edge: nobody needs to read them. */
    int r = event_loop_add(&device->worker.loop, &rng->kick, EPOLLIN | EPOLLET);
    /* What the driver put there before it set DRIVER_OK needs no notification. */
    if (r >= 0)
        (void)eventfd_write(rng->kick.fd, 1);
    return r;
}

static void rng_destroy(struct virtio_device *device)
{
    struct rng *rng = rng_of(device);

    virtio_device_done(device);
    ticker_done(&rng->ticker);
    free(rng);
}

static const struct virtio_type rng_type = {
    .id = VIRTIO_ID_RNG,
    .pci_class = RNG_PCI_CLASS,
    .filter = &filter_rng,
    .start = rng_start,
    .stop = rng_stop,
    .destroy = rng_destroy,
};

int rng_create(const char *argument, const struct device_environment *environment,
               struct virtio_device **ret)
{
    char id[VIRTIO_ID_SIZE];
    int r = device_option_id("rng", argument, id);
    if (r < 0)
        return r;
    struct rng *rng = calloc(1, sizeof(*rng));
    if (!rng)
        return -ENOMEM;
    rng->credit = RNG_BURST;
    rng->credit_ns = clock_now_ns();
    r = ticker_init(&rng->ticker, RNG_TICK_MS, ticked);
    if (r >= 0)
        r = virtio_device_init(&rng->device, &rng_type, argument, environment->memory, RNG_FEATURES,
                               1, RNG_QUEUE_SIZE);
    if (r < 0) {
        rng_destroy(&rng->device);
        return log_errno(r, "Cannot make the entropy source '%s': %s", argument, strerror(-r));
    }
    rng->kick = (struct event_source){.fd = rng->device.kick[0], .ready = kicked};
    *ret = &rng->device;
    return 0;
}
