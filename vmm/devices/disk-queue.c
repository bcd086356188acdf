/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Serves a virtqueue: as many requests at a time as a ring takes, or one after the other where
 * there is none; a request that waits for the disk makes neither a vCPU nor another queue wait. */
#include "vmm/devices/disk-queue.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "vmm/clock.h"
#include "vmm/devices/disk-request.h"
#include "vmm/devices/disk-ring.h"
#include "vmm/virtio/ticker.h"

enum {
    QUEUE_BATCH = 64, /* requests, before a call to stop has its turn */
    BOUNCE_ALIGNMENT = 65536,
    TICK_MS = 5, /* a small part of what an idle disk saves up */
};

/* Worked on by its worker's thread alone, once that runs. */
struct disk_queue {
    struct disk *disk;
    unsigned index;
    struct worker own; /* made for all queues but the first */
    struct worker *worker;
    struct event_source kick, answers;
    struct ticker tick; /* while the disk is faster than it may be */
    bool started;
    bool broken;            /* until the device is stopped, which was asked for */
    bool untold;            /* something was given back, and the driver not told */
    uint8_t *bounce;        /* NULL unless the image is direct */
    struct disk_ring *ring; /* NULL: this thread makes all calls, and waits for them */
    unsigned under_way;     /* in the ring */
    struct disk_request *free;
    /* Those last used are used first: the others' memory is never touched. */
    struct disk_request *requests;
};

/* What the device's thread asks of the queue's. */
struct queue_call {
    struct disk_queue *queue;
    int r;
};

static struct virtqueue *virtqueue_of(struct disk_queue *queue)
{
    return &queue->disk->device.queues[queue->index];
}

static void queue_broken(struct disk_queue *queue, const char *what)
{
    queue->broken = true;
    event_loop_remove(&queue->worker->loop, &queue->kick);
    virtio_device_report_fault(&queue->disk->device, what);
}

static void tell_driver(struct disk_queue *queue)
{
    struct virtio_device *device = &queue->disk->device;

    if (queue->untold && virtqueue_must_signal(virtqueue_of(queue)))
        device->transport.signal_queue(device->transport.context, queue->index);
    queue->untold = false;
}

static void release(struct disk_queue *queue, struct disk_request *request)
{
    request->next = queue->free;
    queue->free = request;
}

static void charge(struct disk_queue *queue, const struct disk_call *call)
{
    struct disk_limit *limit = &queue->disk->limit;
    uint64_t bytes = 0;

    if (!atomic_load(&limit->active) ||
        (call->kind != DISK_CALL_READ && call->kind != DISK_CALL_WRITE))
        return;
    for (unsigned i = 0; i < call->n; i++)
        bytes += call->iov[i].iov_len;
    disk_limit_charge(limit, 0, bytes, clock_now_ns());
}

/* MORE: the request's next call is to be made. What is not for the ring is made here and now. */
static void go_on(struct disk_queue *queue, struct disk_request *request, int more)
{
    const struct disk_call *call = &request->transfer.call;

    while (more > 0 && (!queue->ring || call->here)) {
        charge(queue, call);
        more = disk_request_next(request, queue->disk, disk_call_make(call, &queue->disk->image));
    }
    if (more > 0) {
        charge(queue, call);
        disk_ring_add(queue->ring, call, request);
        queue->under_way++;
        return;
    }
    virtqueue_push(virtqueue_of(queue), request->chain.head, request->length);
    queue->untold = true;
    release(queue, request);
    if (!queue->ring)
        tell_driver(queue); /* the next request may take long */
}

/* Takes the ring's answers, no more of them than can be there at once. */
static void take_answers(struct disk_queue *queue)
{
    struct disk *disk = queue->disk;
    int64_t answer;
    void *tag;

    for (unsigned i = 0; i < DISK_UNDER_WAY_MAX && disk_ring_take(queue->ring, &tag, &answer);
         i++) {
        struct disk_request *request = tag;

        queue->under_way--;
        if (answer == -ECANCELED || answer == -EAGAIN || answer == -EINTR)
            answer = disk_call_make(&request->transfer.call, &disk->image);
        go_on(queue, request, disk_request_next(request, disk, answer));
    }
}

/* Gives the ring what was added, and takes what is answered already: cached data is there at once.
 */
static void turn_ring(struct disk_queue *queue)
{
    if (!queue->ring)
        return;
    int r = disk_ring_submit(queue->ring, false);
    take_answers(queue);
    if (r >= 0)
        r = disk_ring_submit(queue->ring, false);
    tell_driver(queue);
    /* The kernel is short of memory: what it did not take is given to it again. */
    if (r < 0)
        (void)eventfd_write(queue->kick.fd, 1);
}

/* Begins BUDGET requests at most. 1: there may be more; 0: there are none; -EPROTO; -EBUSY where
 * the disk has been fast enough. */
static int take_requests(struct disk_queue *queue, unsigned *budget)
{
    struct disk_limit *limit = &queue->disk->limit;

    for (; *budget > 0 && queue->free; (*budget)--) {
        struct disk_request *request = queue->free;
        uint64_t now_ns = atomic_load(&limit->active) ? clock_now_ns() : 0;

        if (!disk_limit_is_open(limit, now_ns))
            return -EBUSY;
        int r = virtqueue_pop(virtqueue_of(queue), &request->chain);
        if (r <= 0)
            return r;
        r = disk_request_begin(request, queue->disk, queue->bounce);
        if (r < 0)
            return r;
        queue->free = request->next;
        disk_limit_charge(limit, 1, 0, now_ns);
        go_on(queue, request, r);
    }
    return 1;
}

static void serve(struct disk_queue *queue)
{
    struct virtqueue *virtqueue = virtqueue_of(queue);
    unsigned budget = QUEUE_BATCH;

    virtqueue_disable_notification(virtqueue);
    for (;;) {
        int r = take_requests(queue, &budget);

        turn_ring(queue);
        if (r == -EBUSY) {
            if (ticker_wait(&queue->tick, &queue->worker->loop) < 0)
                (void)eventfd_write(queue->kick.fd, 1);
            return;
        }
        if (r < 0) {
            queue_broken(queue, "a request is broken");
            return;
        }
        if (budget == 0) {
            (void)eventfd_write(queue->kick.fd, 1); /* again, after the loop's other sources */
            return;
        }
        if (r == 0 && !virtqueue_enable_notification(virtqueue))
            return;
        if (r > 0 && !queue->free) /* an answer leads back here */
            return;
        budget--;
    }
}

static void kicked(struct event_source *source, uint32_t events _unused_)
{
    struct disk_queue *queue = container_of(source, struct disk_queue, kick);

    if (!queue->broken && queue->started)
        serve(queue);
}

static void answered(struct event_source *source, uint32_t events _unused_)
{
    struct disk_queue *queue = container_of(source, struct disk_queue, answers);

    turn_ring(queue);
    if (!queue->broken && queue->started)
        serve(queue);
}

static void ticked(struct event_source *source, uint32_t events _unused_)
{
    struct ticker *tick = container_of(source, struct ticker, source);
    struct disk_queue *queue = container_of(tick, struct disk_queue, tick);

    if (!ticker_heard(tick))
        return;
    ticker_stop(tick, &queue->worker->loop);
    if (!queue->broken && queue->started)
        serve(queue);
}

/* What is under way comes to its end, and its driver hears of it. */
static void stop_here(void *argument)
{
    struct queue_call *call = argument;
    struct disk_queue *queue = call->queue;

    event_loop_remove(&queue->worker->loop, &queue->kick);
    ticker_stop(&queue->tick, &queue->worker->loop);
    queue->started = false;
    while (queue->under_way > 0) {
        (void)disk_ring_submit(queue->ring, true);
        take_answers(queue);
    }
    tell_driver(queue);
    if (queue->ring)
        event_loop_remove(&queue->worker->loop, &queue->answers);
}

static void start_here(void *argument)
{
    struct queue_call *call = argument;
    struct disk_queue *queue = call->queue;

    queue->broken = false;
    /* Each write to an eventfd is an edge: nobody needs to read them. */
    call->r = event_loop_add(&queue->worker->loop, &queue->kick, EPOLLIN | EPOLLET);
    if (call->r >= 0 && queue->ring)
        call->r = event_loop_add(&queue->worker->loop, &queue->answers, EPOLLIN);
    queue->started = call->r >= 0;
    /* What the driver put there before it set DRIVER_OK needs no notification. */
    if (queue->started)
        (void)eventfd_write(queue->kick.fd, 1);
    else
        event_loop_remove(&queue->worker->loop, &queue->kick);
}

int disk_queue_start(struct disk_queue *queue)
{
    struct queue_call call = {.queue = queue};

    worker_call(queue->worker, start_here, &call);
    return call.r;
}

void disk_queue_stop(struct disk_queue *queue)
{
    struct queue_call call = {.queue = queue};

    if (queue->started)
        worker_call(queue->worker, stop_here, &call);
}

int disk_queue_start_thread(struct disk_queue *queue, struct thread_gate *gate)
{
    char name[VIRTIO_ID_SIZE + 8];

    if (queue->worker != &queue->own)
        return 0;
    (void)snprintf(name, sizeof(name), "%.12s.%u", queue->disk->device.id, queue->index);
    int r = worker_start(&queue->own, queue->disk->device.filter, name, gate);
    return r < 0 ? r : 1;
}

static int make_requests(struct disk_queue *queue)
{
    unsigned n = queue->ring ? DISK_UNDER_WAY_MAX : 1;

    queue->requests = calloc(n, sizeof(*queue->requests));
    if (!queue->requests)
        return -ENOMEM;
    for (unsigned i = n; i-- > 0;)
        release(queue, &queue->requests[i]);
    return 0;
}

int disk_queue_new(struct disk *disk, unsigned index, bool with_ring, struct disk_queue **ret)
{
    struct disk_queue *queue = calloc(1, sizeof(*queue));

    if (!queue)
        return -ENOMEM;
    queue->disk = disk;
    queue->index = index;
    queue->worker = index == 0 ? &disk->device.worker : &queue->own;
    queue->kick = (struct event_source){.fd = disk->device.kick[index], .ready = kicked};
    int r = ticker_init(&queue->tick, TICK_MS, ticked);
    if (r >= 0 && index > 0)
        r = worker_init(&queue->own, NULL, NULL);
    if (r >= 0 && with_ring)
        r = disk_ring_new(disk->image.fd, DISK_UNDER_WAY_MAX, &queue->ring);
    if (r >= 0 && with_ring)
        queue->answers = (struct event_source){.fd = disk_ring_fd(queue->ring), .ready = answered};
    if (r >= 0 && disk->image.direct) {
        queue->bounce = aligned_alloc(BOUNCE_ALIGNMENT, DISK_BOUNCE_SIZE);
        r = queue->bounce ? 0 : -ENOMEM;
    }
    if (r >= 0)
        r = make_requests(queue);
    if (r < 0) {
        disk_queue_free(queue);
        return r;
    }
    *ret = queue;
    return 0;
}

void disk_queue_free(struct disk_queue *queue)
{
    if (!queue)
        return;
    worker_done(&queue->own);
    ticker_done(&queue->tick);
    disk_ring_free(queue->ring);
    free(queue->requests);
    free(queue->bounce);
    free(queue);
}
