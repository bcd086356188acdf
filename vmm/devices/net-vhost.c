/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The vhost-net backend: the host's kernel moves the packets of a queue pair between the TAP queue
 * and the virtqueues. This process only begins, ends and looks after it.
 */
#include <linux/vhost.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "vmm/devices/net-pair.h"
#include "vmm/filters.h"
#include "vmm/virtio/vhost.h"

enum { VHOST_NET_QUEUES = 2 /* the kernel's numbers: 0 receives, 1 sends */ };

struct net_vhost {
    struct net_pair pair;
    struct vhost vhost;
    struct event_source error; /* an eventfd of ours, which the kernel writes to */
    struct event_source tap;   /* the pair's; watched for its end alone */
};

static struct net_vhost *to_vhost(struct net_pair *pair)
{
    return container_of(pair, struct net_vhost, pair);
}

static struct event_loop *loop_of(struct net_vhost *net)
{
    return &net->pair.device->worker.loop;
}

static int set_backends(struct net_vhost *net, int fd)
{
    for (unsigned i = 0; i < VHOST_NET_QUEUES; i++) {
        struct vhost_vring_file backend = {.index = i, .fd = fd};

        if (ioctl(net->vhost.fd, VHOST_NET_SET_BACKEND, &backend) < 0)
            return -errno;
    }
    return 0;
}

/* The kernel is not to send into the void, of which it would tell again and again. */
static void tap_lost(struct net_vhost *net)
{
    event_loop_remove(loop_of(net), &net->tap);
    (void)set_backends(net, VHOST_FILE_UNBIND);
    net->pair.tap_lost(net->pair.device);
}

static void tap_event(struct event_source *source, uint32_t events)
{
    if (events & (EPOLLERR | EPOLLHUP))
        tap_lost(container_of(source, struct net_vhost, tap));
}

/* vhost complains likewise of a ring that makes no sense and of a TAP that takes no packet. */
static void vhost_complains(struct event_source *source, uint32_t events)
{
    struct net_vhost *net = container_of(source, struct net_vhost, error);
    struct virtio_device *device = net->pair.device;
    eventfd_t count;

    (void)events;
    (void)eventfd_read(source->fd, &count);
    if (tap_set_offloads(net->pair.tap_fd, device->state.accepted) == -EBADFD)
        tap_lost(net);
    else
        virtio_device_report_fault(device, "the kernel's vhost-net finds a ring broken");
}

/*
 * The kernel wakes nobody who waits for a queue's end alone: asking anew is what finds out.
 * Waiting for packets, too, would wake us for each.
 */
static void vhost_look(struct net_pair *pair)
{
    struct net_vhost *net = to_vhost(pair);

    if (pair->active)
        (void)event_loop_change(loop_of(net), &net->tap, 0);
}

/* A detached TAP queue is no backend: attached before, detached after. */
static int vhost_set_active(struct net_pair *pair, bool active)
{
    struct net_vhost *net = to_vhost(pair);
    int r;

    if (pair->active == active)
        return 0;
    if (active) {
        net_pair_attach(pair, true);
        r = set_backends(net, pair->tap_fd);
        if (r >= 0)
            r = event_loop_add(loop_of(net), &net->tap, 0);
        if (r < 0)
            (void)set_backends(net, VHOST_FILE_UNBIND);
    } else {
        event_loop_remove(loop_of(net), &net->tap);
        r = set_backends(net, VHOST_FILE_UNBIND);
    }
    pair->active = active && r >= 0;
    if (!pair->active)
        net_pair_attach(pair, false);
    return r;
}

static int queues_start(struct net_vhost *net)
{
    struct virtio_device *device = net->pair.device;

    for (unsigned i = 0; i < VHOST_NET_QUEUES; i++) {
        unsigned queue = net_pair_receiveq(&net->pair) + i;
        const struct vhost_eventfds eventfds = {
            .kick = device->kick[queue],
            .call = device->transport.queue_eventfd(device->transport.context, queue),
            .error = net->error.fd,
        };

        int r = vhost_queue_start(&net->vhost, i, &device->queues[queue], &eventfds);
        if (r < 0)
            return r;
    }
    return 0;
}

static void vhost_stop(struct net_pair *pair)
{
    struct net_vhost *net = to_vhost(pair);

    (void)vhost_set_active(pair, false);
    for (unsigned i = 0; i < VHOST_NET_QUEUES; i++)
        (void)vhost_queue_stop(&net->vhost, i, &pair->device->queues[net_pair_receiveq(pair) + i]);
    event_loop_remove(loop_of(net), &net->error);
    pair->started = false;
}

static int vhost_start(struct net_pair *pair)
{
    struct net_vhost *net = to_vhost(pair);
    eventfd_t count;

    /* What an earlier life of the driver left there. */
    (void)eventfd_read(net->error.fd, &count);
    int r = vhost_set_features(&net->vhost, pair->device->state.accepted);
    if (r >= 0)
        r = event_loop_add(loop_of(net), &net->error, EPOLLIN);
    if (r >= 0)
        r = queues_start(net);
    if (r < 0)
        vhost_stop(pair);
    else
        pair->started = true;
    return r;
}

static int vhost_vectors_changed(struct net_pair *pair)
{
    struct net_vhost *net = to_vhost(pair);
    const struct virtio_transport *transport = &pair->device->transport;
    int r = 0;

    for (unsigned i = 0; i < VHOST_NET_QUEUES && r >= 0; i++) {
        unsigned queue = net_pair_receiveq(pair) + i;
        int call = transport->queue_eventfd(transport->context, queue);

        r = vhost_queue_set_call(&net->vhost, i, call);
        /* What came meanwhile went to the old vector; an interrupt too many does no harm. */
        if (r >= 0 && call >= 0)
            (void)eventfd_write(call, 1);
    }
    return r;
}

static int vhost_start_thread(struct net_pair *pair _unused_, struct thread_gate *gate _unused_)
{
    return 0; /* the thread is the kernel's */
}

static void vhost_free(struct net_pair *pair)
{
    struct net_vhost *net = to_vhost(pair);

    vhost_done(&net->vhost);
    net->error.fd = close_fd(net->error.fd);
    pair->tap_fd = close_fd(pair->tap_fd);
    free(net);
}

static const struct net_backend vhost_backend = {
    .filter = &filter_net_vhost,
    .start_thread = vhost_start_thread,
    .start = vhost_start,
    .stop = vhost_stop,
    .set_active = vhost_set_active,
    .vectors_changed = vhost_vectors_changed,
    .look = vhost_look,
    .free = vhost_free,
};

int net_vhost_new(struct virtio_device *device, unsigned index, int tap_fd, struct vhost *vhost,
                  struct net_pair **ret)
{
    struct net_vhost *net = calloc(1, sizeof(*net));

    if (!net)
        return -ENOMEM;
    net->pair = (struct net_pair){
        .backend = &vhost_backend, .device = device, .index = index, .tap_fd = -EBADF};
    net->vhost.fd = -EBADF;
    net->error = (struct event_source){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                                       .ready = vhost_complains};
    if (net->error.fd < 0) {
        int r = -errno;

        vhost_free(&net->pair);
        return r;
    }
    net->vhost = *vhost;
    vhost->fd = -EBADF;
    net->pair.tap_fd = tap_fd;
    net->tap = (struct event_source){.fd = tap_fd, .ready = tap_event};
    *ret = &net->pair;
    return 0;
}
