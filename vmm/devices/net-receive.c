/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Receiving: as many buffers are held as the largest packet needs, and readv(2) puts each packet
 * straight where the guest will look for it. What does not fit goes to the spill and waits for more
 * buffers.
 */
#include "vmm/devices/net-receive.h"

#include <string.h>

#include "vmm/devices/net-features.h"
#include "vmm/devices/tap.h"

enum { RECEIVE_LOOKS = 4 }; /* at a ring that seems empty, before its thread sleeps */

_Static_assert(sizeof(struct virtio_net_hdr_v1) == TAP_HEADER_SIZE, "virtio 1.2, 5.1.6");

void net_receive_start(struct net_receive *receive, struct virtqueue *queue, uint64_t accepted)
{
    receive->queue = queue;
    receive->mergeable = accepted & NET_FEATURE(VIRTIO_NET_F_MRG_RXBUF);
    receive->offloads = accepted & NET_FEATURE(VIRTIO_NET_F_GUEST_CSUM);
    receive->n_held = receive->n_iov = 0;
    receive->held_bytes = 0;
    receive->packet = receive->packet_in_buffers = 0;
}

static bool is_full(const struct net_receive *receive)
{
    return receive->n_held == receive->queue->state.size ||
           receive->n_iov + VIRTQUEUE_CHAIN_MAX > NET_RECEIVE_IOV_MAX;
}

static bool has_enough(const struct net_receive *receive)
{
    return receive->mergeable ? receive->held_bytes >= NET_PACKET_MAX : receive->n_held > 0;
}

/* Takes the next buffer from the ring. 1, 0 where there is none, -EPROTO. */
static int hold_one(struct net_receive *receive)
{
    struct virtqueue_chain *chain = &receive->chain;
    uint64_t least = receive->mergeable ? 1 : TAP_HEADER_SIZE + NET_FRAME_MIN;

    int r = virtqueue_pop(receive->queue, chain);
    if (r <= 0)
        return r;
    if (chain->n_out > 0 || chain->in_bytes < least)
        return -EPROTO;
    memcpy(receive->iov + receive->n_iov, chain->iov, chain->n_in * sizeof(*chain->iov));
    receive->n_iov += chain->n_in;
    receive->held[receive->n_held].head = chain->head;
    receive->held[receive->n_held].n_iov = (uint16_t)chain->n_in;
    receive->held[receive->n_held++].bytes = chain->in_bytes;
    receive->held_bytes += chain->in_bytes;
    return 1;
}

/* Holds what the next packet may need, as far as the ring has it. */
static int hold(struct net_receive *receive)
{
    while (!has_enough(receive) && !is_full(receive)) {
        int r = hold_one(receive);

        if (r <= 0)
            return r;
    }
    return 1;
}

/* The same for one who will wait: asks the driver to tell of the next buffer. -ENOBUFS: it will. */
static int hold_or_wait(struct net_receive *receive)
{
    unsigned had = receive->n_held;

    for (unsigned looks = 0; looks < RECEIVE_LOOKS; looks++) {
        int r = hold(receive);

        if (r != 0)
            return r;
        if (receive->n_held > had)
            return 1;
        if (!virtqueue_enable_notification(receive->queue))
            return -ENOBUFS;
    }
    return 1; /* the driver adds buffers all the time */
}

/* Writes LENGTH bytes at OFFSET of the held buffers, which are as long. */
static void write_held(const struct net_receive *receive, size_t offset, const void *data,
                       size_t length)
{
    const uint8_t *from = data;

    for (unsigned i = 0; i < receive->n_iov && length > 0; i++) {
        size_t room = receive->iov[i].iov_len;

        if (offset >= room) {
            offset -= room;
            continue;
        }
        size_t n = room - offset < length ? room - offset : length;
        memcpy((uint8_t *)receive->iov[i].iov_base + offset, from, n);
        from += n;
        length -= n;
        offset = 0;
    }
}

/*
 * The header before the packet (5.1.6.4.1): how many buffers it fills; and, without offloads,
 * nothing else, whatever TAP wrote there.
 */
static void write_header(const struct net_receive *receive, uint16_t n_buffers)
{
    const struct virtio_net_hdr_v1 header = {.num_buffers = n_buffers};
    size_t skip = receive->offloads ? offsetof(struct virtio_net_hdr_v1, num_buffers) : (size_t)0;

    write_held(receive, skip, (const uint8_t *)&header + skip, sizeof(header) - skip);
}

/* Gives the first buffers back, as many as LENGTH bytes fill; the driver sees all of them at once.
 */
static void deliver(struct net_receive *receive, size_t length)
{
    unsigned n = 0, n_iov = 0;
    uint64_t room = 0;

    while (room < length)
        room += receive->held[n++].bytes;
    write_header(receive, (uint16_t)n);
    for (unsigned i = 0; i < n; i++) {
        uint64_t bytes = receive->held[i].bytes;
        size_t part = bytes < length ? (size_t)bytes : length;

        virtqueue_fill(receive->queue, receive->held[i].head, (uint32_t)part);
        length -= part;
        n_iov += receive->held[i].n_iov;
    }
    virtqueue_flush(receive->queue);
    receive->n_held -= n;
    receive->n_iov -= n_iov;
    receive->held_bytes -= room;
    memmove(receive->held, receive->held + n, receive->n_held * sizeof(*receive->held));
    memmove(receive->iov, receive->iov + n_iov, receive->n_iov * sizeof(*receive->iov));
}

/* Goes on with the packet whose end is in the spill. */
static int deliver_spilled(struct net_receive *receive)
{
    if (receive->held_bytes < receive->packet) {
        int r = hold_or_wait(receive);

        if (r < 0)
            return r;
    }
    if (receive->held_bytes >= receive->packet) {
        write_held(receive, receive->packet_in_buffers, receive->spill,
                   receive->packet - receive->packet_in_buffers);
        deliver(receive, receive->packet);
    } else if (!is_full(receive)) {
        return 1; /* some more came; look again */
    }
    /* Delivered; or the ring can never hold it, and it is lost. */
    receive->packet = 0;
    return 1;
}

int net_receive_one(struct net_receive *receive, int tap_fd)
{
    if (receive->packet > 0)
        return deliver_spilled(receive);
    int r = hold(receive);
    if (r >= 0 && receive->n_held == 0)
        r = hold_or_wait(receive);
    if (r < 0)
        return r;
    if (receive->n_held == 0)
        return 1;
    receive->iov[receive->n_iov] =
        (struct iovec){.iov_base = receive->spill, .iov_len = sizeof(receive->spill)};
    ssize_t n = readv(tap_fd, receive->iov, (int)receive->n_iov + 1);
    if (n < 0 && errno == EBADFD)
        return -EBADFD;
    if (n < TAP_HEADER_SIZE) /* nothing there, or an error of this one packet */
        return 0;
    if ((uint64_t)n <= receive->held_bytes) {
        deliver(receive, (size_t)n);
    } else if (receive->mergeable && n <= NET_PACKET_MAX) {
        receive->packet = (size_t)n;
        receive->packet_in_buffers = (size_t)receive->held_bytes;
    }
    /* Else no buffer of this driver is large enough: lost. */
    return 1;
}
