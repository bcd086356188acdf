/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sending: writev(2) straight from guest memory, all but the header, which is copied first. */
#include "vmm/devices/net-transmit.h"

#include <string.h>

#include "vmm/devices/net-features.h"
#include "vmm/devices/net-receive.h"
#include "vmm/devices/tap.h"

enum {
    TRANSMIT_BATCH = 256, /* packets, before other descriptors have their turn */
    TRANSMIT_LOOKS = 4,   /* at a ring that seems empty, before its thread sleeps */
    /* So much is sent before the driver gets the buffers back. A sender with few and large packets
     * under way prepares the next ones meanwhile. */
    TRANSMIT_FLUSH = 32,
    TRANSMIT_FLUSH_BYTES = 8192,
};

void net_transmit_start(struct net_transmit *transmit, struct virtqueue *queue, uint64_t accepted,
                        void (*given_back)(struct net_transmit *))
{
    transmit->queue = queue;
    transmit->given_back = given_back;
    transmit->offloads = accepted & NET_FEATURE(VIRTIO_NET_F_CSUM);
}

/* Splits the chain: the driver's header is copied to *RET_HEADER, the rest described by IOV. */
static int split(const struct virtqueue_chain *chain, struct virtio_net_hdr_v1 *ret_header,
                 struct iovec *iov)
{
    size_t done = 0;
    int n = 0;

    for (unsigned i = 0; i < chain->n_out; i++) {
        uint8_t *base = chain->iov[i].iov_base;
        size_t length = chain->iov[i].iov_len, missing = TAP_HEADER_SIZE - done;
        size_t cut = missing < length ? missing : length;

        memcpy((uint8_t *)ret_header + done, base, cut);
        done += cut;
        if (length > cut)
            iov[n++] = (struct iovec){.iov_base = base + cut, .iov_len = length - cut};
    }
    return n;
}

/* False where the chain is no packet. */
static bool send_packet(struct net_transmit *transmit, int tap_fd, bool *ret_gone)
{
    const struct virtqueue_chain *chain = &transmit->chain;
    struct iovec iov[VIRTQUEUE_CHAIN_MAX + 2];
    struct virtio_net_hdr_v1 header;

    if (chain->n_in > 0 || chain->out_bytes < TAP_HEADER_SIZE + NET_FRAME_MIN)
        return false;
    int n = split(chain, &header, iov + 1);
    /* Without offloads the header says nothing (5.1.6.2); num_buffers never does. */
    if (!transmit->offloads)
        memset(&header, 0, sizeof(header));
    header.num_buffers = 0;
    iov[0] = (struct iovec){.iov_base = &header, .iov_len = sizeof(header)};
    if (tap_fd >= 0 && writev(tap_fd, iov, n + 1) < 0 && errno == EBADFD)
        *ret_gone = true;
    return true;
}

static void give_back(struct net_transmit *transmit)
{
    virtqueue_flush(transmit->queue);
    transmit->given_back(transmit);
}

/* Sends until the ring is empty (0), the bound is reached (-EAGAIN), or a chain is broken. */
static int send_some(struct net_transmit *transmit, int tap_fd, unsigned *sent, bool *ret_gone)
{
    unsigned packets = 0;
    uint64_t bytes = 0;
    int r = 0;

    while (*sent < TRANSMIT_BATCH && (r = virtqueue_pop(transmit->queue, &transmit->chain)) == 1) {
        if (!send_packet(transmit, tap_fd, ret_gone))
            return -EPROTO;
        virtqueue_fill(transmit->queue, transmit->chain.head, 0);
        (*sent)++;
        packets++;
        bytes += transmit->chain.out_bytes;
        if (packets < TRANSMIT_FLUSH && bytes < TRANSMIT_FLUSH_BYTES)
            continue;
        give_back(transmit);
        packets = 0;
        bytes = 0;
    }
    return r == 1 ? -EAGAIN : r;
}

int net_transmit_all(struct net_transmit *transmit, int tap_fd, bool *ret_gone)
{
    struct virtqueue *queue = transmit->queue;
    unsigned sent = 0, looks = 0;
    int r;

    virtqueue_disable_notification(queue);
    do {
        r = send_some(transmit, tap_fd, &sent, ret_gone);
        give_back(transmit);
    } while (r == 0 && virtqueue_enable_notification(queue) && ++looks < TRANSMIT_LOOKS);
    return r == -EAGAIN || looks == TRANSMIT_LOOKS ? 1 : r;
}
