/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sending: writev(2) straight from guest memory, all but the header, which is copied first. */
#include "vmm/devices/net-transmit.h"

#include <string.h>

#include "vmm/devices/net-features.h"
#include "vmm/devices/net-receive.h"
#include "vmm/devices/tap.h"

enum {
    TRANSMIT_BATCH = 256, /* packets, before other descriptors have their turn */
    TRANSMIT_FLUSH = 32,  /* packets, before the driver gets their buffers back */
    TRANSMIT_LOOKS = 4,   /* at a ring that seems empty, before its thread sleeps */
};

void net_transmit_start(struct net_transmit *transmit, struct virtqueue *queue, uint64_t accepted)
{
    transmit->queue = queue;
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

int net_transmit_all(struct net_transmit *transmit, int tap_fd, bool *ret_gone)
{
    struct virtqueue *queue = transmit->queue;
    unsigned sent = 0, looks = 0;
    int r;

    virtqueue_disable_notification(queue);
    do {
        while ((r = sent < TRANSMIT_BATCH ? virtqueue_pop(queue, &transmit->chain) : -EAGAIN) ==
               1) {
            if (!send_packet(transmit, tap_fd, ret_gone)) {
                r = -EPROTO;
                break;
            }
            virtqueue_fill(queue, transmit->chain.head, 0);
            if (++sent % TRANSMIT_FLUSH == 0)
                virtqueue_flush(queue);
        }
        virtqueue_flush(queue);
    } while (r == 0 && virtqueue_enable_notification(queue) && ++looks < TRANSMIT_LOOKS);
    return r == -EAGAIN || looks == TRANSMIT_LOOKS ? 1 : r;
}
