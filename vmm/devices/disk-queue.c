/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Serves a virtqueue, one request after the other; a request that waits for the disk makes neither
 * a vCPU nor another queue wait. */
#include "vmm/devices/disk-queue.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "vmm/devices/disk-request.h"

enum {
    QUEUE_BATCH = 64, /* requests, before a call to stop has its turn */
    BOUNCE_ALIGNMENT = 65536,
};

/* Worked on by its worker's thread alone, once that runs. */
struct disk_queue {
    struct disk *disk;
    unsigned index;
    struct worker own; /* made for all queues but the first */
    struct worker *worker;
    struct event_source kick;
    bool started;
    bool broken;     /* until the device is stopped, which was asked for */
    uint8_t *bounce; /* NULL unless the image is direct */
    struct virtqueue_chain chain;
};

/* What the device's thread asks of the queue's. */
struct queue_call {
    struct disk_queue *queue;
    int r;
};

static void queue_broken(struct disk_queue *queue, const char *what)
{
    queue->broken = true;
    event_loop_remove(&queue->worker->loop, &queue->kick);
    virtio_device_report_fault(&queue->disk->device, what);
}

/* What is done is told at once: the next request may take long. */
static void give_back(struct disk_queue *queue, struct virtqueue *virtqueue, uint32_t length)
{
    struct virtio_device *device = &queue->disk->device;

    virtqueue_push(virtqueue, queue->chain.head, length);
    if (virtqueue_must_signal(virtqueue))
        device->transport.signal_queue(device->transport.context, queue->index);
}

/* 1: a request was served; 0: there is none; -EPROTO. */
static int serve_one(struct disk_queue *queue, struct virtqueue *virtqueue)
{
    uint32_t length = 0;

    int r = virtqueue_pop(virtqueue, &queue->chain);
    if (r <= 0)
        return r;
    r = disk_request_serve(queue->disk, &queue->chain, queue->bounce, &length);
    if (r < 0)
        return r;
    give_back(queue, virtqueue, length);
    return 1;
}

static void kicked(struct event_source *source, uint32_t events _unused_)
{
    struct disk_queue *queue = container_of(source, struct disk_queue, kick);
    struct virtqueue *virtqueue = &queue->disk->device.queues[queue->index];
    unsigned served = 0;
    int r = 0;

    if (queue->broken || !queue->started)
        return;
    virtqueue_disable_notification(virtqueue);
    do {
        while (served < QUEUE_BATCH && (r = serve_one(queue, virtqueue)) == 1)
            served++;
    } while (r == 0 && virtqueue_enable_notification(virtqueue) && ++served < QUEUE_BATCH);
    if (r < 0)
        queue_broken(queue, "a request is broken");
    else if (served >= QUEUE_BATCH)
        (void)eventfd_write(source->fd, 1); /* comes again, after the loop's other sources */
}

static void stop_here(void *argument)
{
    struct queue_call *call = argument;

    event_loop_remove(&call->queue->worker->loop, &call->queue->kick);
    call->queue->started = false;
}

static void start_here(void *argument)
{
    struct queue_call *call = argument;
    struct disk_queue *queue = call->queue;

    queue->broken = false;
    /* Each write to an eventfd is an edge: nobody needs to read them. */
    call->r = event_loop_add(&queue->worker->loop, &queue->kick, EPOLLIN | EPOLLET);
    queue->started = call->r >= 0;
    /* What the driver put there before it set DRIVER_OK needs no notification. */
    if (queue->started)
        (void)eventfd_write(queue->kick.fd, 1);
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
    int r = worker_start(&queue->own, name, gate);
    return r < 0 ? r : 1;
}

int disk_queue_new(struct disk *disk, unsigned index, struct disk_queue **ret)
{
    struct disk_queue *queue = calloc(1, sizeof(*queue));

    if (!queue)
        return -ENOMEM;
    queue->disk = disk;
    queue->index = index;
    queue->worker = index == 0 ? &disk->device.worker : &queue->own;
    queue->kick = (struct event_source){.fd = disk->device.kick[index], .ready = kicked};
    int r = index == 0 ? 0 : worker_init(&queue->own, NULL, NULL);
    if (r >= 0 && disk->image.direct) {
        queue->bounce = aligned_alloc(BOUNCE_ALIGNMENT, DISK_BOUNCE_SIZE);
        r = queue->bounce ? 0 : -ENOMEM;
    }
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
    free(queue->bounce);
    free(queue);
}
