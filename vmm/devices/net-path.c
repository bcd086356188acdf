/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packets between TAP and rings: readv and writev straight on guest memory, one interrupt a batch.
 */
#include "vmm/devices/net-path.h"

#include <linux/virtio_net.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "vmm/devices/tap.h"
#include "vmm/log.h"

enum {
    NET_BATCH = 256,
    NET_LOOKS =
        4, /* how often a ring that seems empty is looked at again before its thread sleeps */
    NET_FRAME_MIN = 14, /* an Ethernet header */
};

_Static_assert(sizeof(struct virtio_net_hdr_v1) == TAP_HEADER_SIZE, "virtio 1.2, 5.1.6");

static void signal_if_wanted(struct net_path *path, unsigned queue)
{
    struct virtio_device *device = path->device;

    if (virtqueue_must_signal(&device->queues[queue]))
        device->transport.signal_queue(device->transport.context, queue);
}

/* Comes back to the queue after the other sources had their turn. */
static void come_again(const struct event_source *kick)
{
    (void)eventfd_write(kick->fd, 1);
}

static void drain(const struct event_source *kick)
{
    eventfd_t count;

    (void)eventfd_read(kick->fd, &count);
}

/* Without the interface there is nothing to wait for: said once, and the guest sees a silent
 * network. */
static void tap_lost(struct net_path *path)
{
    if (!path->tap_gone_told)
        log_error(
            "The TAP interface of '%s' is gone: the guest's network is silent until a restart",
            path->device->id);
    path->tap_gone = path->tap_gone_told = true;
    event_loop_remove(&path->device->worker.loop, &path->tap);
}

/* The next receive buffer into path->held. 1, 0 where there is none, -EPROTO after a fault. */
static int hold_buffer(struct net_path *path)
{
    struct virtqueue *queue = &path->device->queues[NET_RECEIVE];
    unsigned looks = 0;
    int r;

    if (path->has_held)
        return 1;
    do
        r = virtqueue_pop(queue, &path->held);
    while (r == 0 && virtqueue_enable_notification(queue) && ++looks < NET_LOOKS);
    if (r == 1 && (path->held.n_out > 0 || path->held.in_bytes < TAP_HEADER_SIZE + NET_FRAME_MIN))
        r = -EPROTO;
    path->has_held = r == 1;
    return r;
}

/*
 * The header before a received packet (5.1.6.4.1): without VIRTIO_NET_F_GUEST_CSUM and
 * VIRTIO_NET_F_MRG_RXBUF it says nothing but "one buffer", whatever TAP wrote there.
 */
static void write_receive_header(struct virtqueue_chain *chain)
{
    static const struct virtio_net_hdr_v1 header = {.num_buffers = 1};
    size_t done = 0;

    for (unsigned i = 0; i < chain->n_in && done < sizeof(header); i++) {
        size_t left = sizeof(header) - done, length = chain->iov[i].iov_len;
        size_t n = length < left ? length : left;

        memcpy(chain->iov[i].iov_base, (const uint8_t *)&header + done, n);
        done += n;
    }
}

static void receive(struct net_path *path)
{
    struct virtqueue *queue = &path->device->queues[NET_RECEIVE];
    int r = 1;

    for (unsigned i = 0; i < NET_BATCH && r == 1; i++) {
        r = hold_buffer(path);
        if (r != 1)
            break;
        ssize_t n = readv(path->tap.fd, path->held.iov, (int)path->held.n_in);
        if (n < 0 && errno == EBADFD) {
            tap_lost(path);
            break;
        }
        if (n < TAP_HEADER_SIZE) /* nothing there, or an error of this one packet */
            break;
        write_receive_header(&path->held);
        virtqueue_push(queue, path->held.head, (uint32_t)n);
        path->has_held = false;
    }
    signal_if_wanted(path, NET_RECEIVE);
    if (r < 0) {
        virtio_device_fault(path->device, "a receive buffer is broken");
        return;
    }
    /* Out of buffers: the packets wait in the TAP's queue until the driver's next notification. */
    if (r == 0 && !path->tap_gone)
        (void)event_loop_change(&path->device->worker.loop, &path->tap, 0);
}

static void tap_ready(struct event_source *source, uint32_t events)
{
    struct net_path *path = container_of(source, struct net_path, tap);

    if (!path->device->running)
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
    drain(source);
    if (!path->device->running || path->tap_gone)
        return;
    virtqueue_disable_notification(&path->device->queues[NET_RECEIVE]);
    (void)event_loop_change(&path->device->worker.loop, &path->tap, EPOLLIN);
}

/*
 * Sends one packet. No offload was negotiated, so the guest's header says nothing, and the kernel
 * gets an empty one. False where the chain is no packet.
 */
static bool send_packet(struct net_path *path)
{
    struct virtqueue_chain *chain = &path->sending;
    struct virtio_net_hdr_v1 header = {0};
    struct iovec iov[VIRTQUEUE_CHAIN_MAX + 1];
    size_t skip = TAP_HEADER_SIZE;
    int n = 0;

    if (chain->n_in > 0 || chain->out_bytes < TAP_HEADER_SIZE + NET_FRAME_MIN)
        return false;
    iov[n++] = (struct iovec){.iov_base = &header, .iov_len = sizeof(header)};
    for (unsigned i = 0; i < chain->n_out; i++) {
        size_t length = chain->iov[i].iov_len, cut = skip < length ? skip : length;

        skip -= cut;
        if (length > cut)
            iov[n++] = (struct iovec){
                .iov_base = (uint8_t *)chain->iov[i].iov_base + cut,
                .iov_len = length - cut,
            };
    }
    /* What the host does not take is lost, as on any wire. */
    if (!path->tap_gone && writev(path->tap.fd, iov, n) < 0 && errno == EBADFD)
        tap_lost(path);
    return true;
}

static void transmit_kicked(struct event_source *source, uint32_t events)
{
    struct net_path *path = container_of(source, struct net_path, transmit_kick);
    struct virtqueue *queue = &path->device->queues[NET_TRANSMIT];
    unsigned sent = 0, looks = 0;
    int r;

    (void)events;
    drain(source);
    if (!path->device->running)
        return;
    virtqueue_disable_notification(queue);
    do {
        while ((r = sent < NET_BATCH ? virtqueue_pop(queue, &path->sending) : -EAGAIN) == 1) {
            if (!send_packet(path)) {
                r = -EPROTO;
                break;
            }
            virtqueue_push(queue, path->sending.head, 0);
            sent++;
        }
    } while (r == 0 && virtqueue_enable_notification(queue) && ++looks < NET_LOOKS);
    signal_if_wanted(path, NET_TRANSMIT);
    if (r == -EAGAIN || looks == NET_LOOKS) /* there may be more that no notification tells of */
        come_again(source);
    else if (r < 0)
        virtio_device_fault(path->device, "a packet to send is broken");
}

void net_path_init(struct net_path *path, struct virtio_device *device, int tap_fd)
{
    path->device = device;
    path->tap = (struct event_source){.fd = tap_fd, .ready = tap_ready};
    path->receive_kick =
        (struct event_source){.fd = device->kick[NET_RECEIVE], .ready = receive_kicked};
    path->transmit_kick =
        (struct event_source){.fd = device->kick[NET_TRANSMIT], .ready = transmit_kicked};
}

void net_path_done(struct net_path *path)
{
    if (!path->device)
        return;
    path->tap.fd = close_fd(path->tap.fd);
    path->device = NULL;
}

int net_path_start(struct net_path *path)
{
    struct event_loop *loop = &path->device->worker.loop;

    for (unsigned i = 0; i < NET_QUEUES; i++)
        if (!path->device->queues[i].state.enabled)
            return -EINVAL;
    path->has_held = false;
    path->tap_gone = false;
    int r = event_loop_add(loop, &path->tap, EPOLLIN);
    if (r >= 0)
        r = event_loop_add(loop, &path->receive_kick, EPOLLIN);
    if (r >= 0)
        r = event_loop_add(loop, &path->transmit_kick, EPOLLIN);
    if (r < 0) {
        net_path_stop(path);
        return r;
    }
    /* What the driver put there before it set DRIVER_OK needs no notification. */
    come_again(&path->transmit_kick);
    return 0;
}

void net_path_stop(struct net_path *path)
{
    struct event_loop *loop = &path->device->worker.loop;

    event_loop_remove(loop, &path->tap);
    event_loop_remove(loop, &path->receive_kick);
    event_loop_remove(loop, &path->transmit_kick);
    path->has_held = false;
}
