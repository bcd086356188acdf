/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The userspace backend: this process moves the packets of a queue pair, the first pair's on the
 * device's own thread and any other's on a thread of its own. One interrupt a batch.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "vmm/devices/net-pair.h"
#include "vmm/devices/net-receive.h"
#include "vmm/devices/net-transmit.h"
#include "vmm/filters.h"

enum { PATH_BATCH = 256 /* received packets, before other descriptors have their turn */ };

/* Worked on by its worker's thread alone, once that runs. */
struct net_path {
    struct net_pair pair;
    struct worker own; /* made for all pairs but the first */
    struct worker *worker;
    struct event_source tap; /* the descriptor is the pair's */
    struct event_source receive_kick, transmit_kick;
    bool tap_gone;
    bool broken; /* until the device is stopped, which was asked for */
    struct net_receive receive;
    struct net_transmit transmit;
};

static struct net_path *to_path(struct net_pair *pair)
{
    return container_of(pair, struct net_path, pair);
}

static void signal_if_wanted(struct net_path *path, unsigned queue)
{
    struct virtio_device *device = path->pair.device;

    if (virtqueue_must_signal(&device->queues[queue]))
        device->transport.signal_queue(device->transport.context, queue);
}

/* Comes back to the queue after the other sources had their turn. */
static void come_again(const struct event_source *kick)
{
    (void)eventfd_write(kick->fd, 1);
}

/* Without the interface there is nothing to wait for. */
static void tap_lost(struct net_path *path)
{
    if (!path->tap_gone)
        path->pair.tap_lost(path->pair.device);
    path->tap_gone = true;
    event_loop_remove(&path->worker->loop, &path->tap);
}

static void path_broken(struct net_path *path, const char *what)
{
    struct event_loop *loop = &path->worker->loop;

    path->broken = true;
    event_loop_remove(loop, &path->tap);
    event_loop_remove(loop, &path->receive_kick);
    event_loop_remove(loop, &path->transmit_kick);
    virtio_device_report_fault(path->pair.device, what);
}

static void receive(struct net_path *path)
{
    int r = 1;

    for (unsigned i = 0; i < PATH_BATCH && r == 1; i++)
        r = net_receive_one(&path->receive, path->tap.fd);
    signal_if_wanted(path, net_pair_receiveq(&path->pair));
    if (r == -EPROTO)
        path_broken(path, "a receive buffer is broken");
    else if (r == -EBADFD)
        tap_lost(path);
    else if (r == -ENOBUFS)
        /* The packets wait in the TAP's queue until the driver's next notification. */
        (void)event_loop_change(&path->worker->loop, &path->tap, 0);
    else if (path->receive.packet > 0)
        come_again(&path->receive_kick); /* of this one TAP will not tell again */
}

static void tap_ready(struct event_source *source, uint32_t events)
{
    struct net_path *path = container_of(source, struct net_path, tap);

    if (path->broken || !path->pair.active)
        return;
    if (!(events & EPOLLIN) && (events & (EPOLLERR | EPOLLHUP)))
        tap_lost(path);
    else
        receive(path);
}

static void receive_kicked(struct event_source *source, uint32_t events)
{
    struct net_path *path = container_of(source, struct net_path, receive_kick);

    (void)events;
    if (path->broken || !path->pair.started)
        return;
    virtqueue_disable_notification(path->receive.queue);
    if (!path->pair.active || path->tap_gone)
        return;
    (void)event_loop_change(&path->worker->loop, &path->tap, EPOLLIN);
    if (path->receive.packet > 0)
        receive(path);
}

static void transmit_given_back(struct net_transmit *transmit)
{
    struct net_path *path = container_of(transmit, struct net_path, transmit);

    signal_if_wanted(path, net_pair_transmitq(&path->pair));
}

static void transmit_kicked(struct event_source *source, uint32_t events)
{
    struct net_path *path = container_of(source, struct net_path, transmit_kick);
    bool gone = false;

    (void)events;
    if (path->broken || !path->pair.started)
        return;
    /* A driver sends nothing on a pair that it did not turn on; what comes is lost. */
    bool open = path->pair.active && !path->tap_gone;
    int r = net_transmit_all(&path->transmit, open ? path->tap.fd : -EBADF, &gone);
    if (gone)
        tap_lost(path);
    if (r < 0)
        path_broken(path, "a packet to send is broken");
    else if (r > 0)
        come_again(source);
}

/* What the device's thread asks of the path's. */
struct path_call {
    struct net_path *path;
    bool active;
    int r;
};

static void stop_here(void *argument)
{
    struct path_call *call = argument;
    struct net_path *path = call->path;
    struct event_loop *loop = &path->worker->loop;

    event_loop_remove(loop, &path->tap);
    event_loop_remove(loop, &path->receive_kick);
    event_loop_remove(loop, &path->transmit_kick);
    path->pair.started = path->pair.active = false;
}

static void start_here(void *argument)
{
    struct path_call *call = argument;
    struct net_path *path = call->path;
    struct virtio_device *device = path->pair.device;
    struct event_loop *loop = &path->worker->loop;
    uint64_t accepted = device->state.accepted;

    net_receive_start(&path->receive, &device->queues[net_pair_receiveq(&path->pair)], accepted);
    net_transmit_start(&path->transmit, &device->queues[net_pair_transmitq(&path->pair)], accepted,
                       transmit_given_back);
    path->tap_gone = path->broken = false;
    path->pair.started = true;
    /* Each write to an eventfd is an edge: nobody needs to read them. */
    int r = event_loop_add(loop, &path->receive_kick, EPOLLIN | EPOLLET);
    if (r >= 0)
        r = event_loop_add(loop, &path->transmit_kick, EPOLLIN | EPOLLET);
    if (r < 0)
        stop_here(call);
    else
        /* What the driver put there before it set DRIVER_OK needs no notification. */
        come_again(&path->transmit_kick);
    call->r = r;
}

static void set_active_here(void *argument)
{
    struct path_call *call = argument;
    struct net_path *path = call->path;
    struct event_loop *loop = &path->worker->loop;

    if (path->pair.active == call->active || (path->broken && call->active))
        return;
    if (call->active) {
        net_pair_attach(&path->pair, true);
        call->r = event_loop_add(loop, &path->tap, EPOLLIN);
    } else {
        event_loop_remove(loop, &path->tap);
        net_pair_attach(&path->pair, false);
    }
    path->pair.active = call->r >= 0 && call->active;
}

static int path_start(struct net_pair *pair)
{
    struct path_call call = {.path = to_path(pair)};

    worker_call(call.path->worker, start_here, &call);
    return call.r;
}

static void path_stop(struct net_pair *pair)
{
    struct path_call call = {.path = to_path(pair)};

    worker_call(call.path->worker, stop_here, &call);
}

static int path_set_active(struct net_pair *pair, bool active)
{
    struct path_call call = {.path = to_path(pair), .active = active};

    worker_call(call.path->worker, set_active_here, &call);
    return call.r;
}

static int path_vectors_changed(struct net_pair *pair _unused_)
{
    return 0; /* each interrupt looks at the vector anew */
}

static void path_look(struct net_pair *pair _unused_)
{
    /* Reading and writing find out by themselves. */
}

static int path_start_thread(struct net_pair *pair, struct thread_gate *gate)
{
    struct net_path *path = to_path(pair);
    char name[VIRTIO_ID_SIZE + 8];

    if (path->worker != &path->own)
        return 0;
    (void)snprintf(name, sizeof(name), "%.12s.%u", pair->device->id, pair->index);
    int r = worker_start(&path->own, pair->device->filter, name, gate);
    return r < 0 ? r : 1;
}

static void path_free(struct net_pair *pair)
{
    struct net_path *path = to_path(pair);

    worker_done(&path->own);
    pair->tap_fd = close_fd(pair->tap_fd);
    free(path);
}

static const struct net_backend path_backend = {
    .filter = &filter_net,
    .start_thread = path_start_thread,
    .start = path_start,
    .stop = path_stop,
    .set_active = path_set_active,
    .vectors_changed = path_vectors_changed,
    .look = path_look,
    .free = path_free,
};

int net_path_new(struct virtio_device *device, unsigned index, int tap_fd, struct net_pair **ret)
{
    struct net_path *path = calloc(1, sizeof(*path));

    if (!path)
        return -ENOMEM;
    path->pair = (struct net_pair){
        .backend = &path_backend, .device = device, .index = index, .tap_fd = -EBADF};
    path->worker = index == 0 ? &device->worker : &path->own;
    int r = index == 0 ? 0 : worker_init(&path->own, NULL, NULL);
    if (r < 0) {
        path_free(&path->pair);
        return r;
    }
    path->pair.tap_fd = tap_fd;
    path->tap = (struct event_source){.fd = tap_fd, .ready = tap_ready};
    path->receive_kick = (struct event_source){.fd = device->kick[net_pair_receiveq(&path->pair)],
                                               .ready = receive_kicked};
    path->transmit_kick = (struct event_source){.fd = device->kick[net_pair_transmitq(&path->pair)],
                                                .ready = transmit_kicked};
    *ret = &path->pair;
    return 0;
}
