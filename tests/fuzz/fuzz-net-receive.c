/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The receiving half of a network card, with buffers of any size and layout and frames of up to
 * 64 KiB: what is delivered is what was sent, in order, counted right, and not a byte is written
 * that was not offered.
 */
#include <linux/virtio_net.h>
#include <sys/socket.h>

#include "tests/fuzz/input.h"
#include "tests/unit/vmm/driver.h"
#include "vmm/devices/net-features.h"
#include "vmm/devices/net-receive.h"
#include "vmm/devices/tap.h"
#include "vmm/log.h"

enum {
    OPERATIONS_MAX = 300,
    ARENA_SIZE = 1 << 20,
    FRAME_MAX = 66000,
    FRAMES_MAX = 64, /* under way at a time */
    PIECES_MAX = VIRTQUEUE_CHAIN_MAX,
    PIECES_FEW = 40,
    CANARY = 0xc5,
    MARGIN = 4096, /* looked at behind the last buffer */

    OFFER = 0,
    SEND,
    RECEIVE,
    OFFER_MANY,
    OPERATIONS,
};

#define ARENA UINT64_C(0x400000)

struct buffer {
    unsigned n_pieces;
    struct {
        uint32_t at, length; /* in the arena */
    } pieces[PIECES_MAX];
    uint32_t bytes;
};

static struct driver *driver;
static uint8_t *arena, shadow[ARENA_SIZE], offered[ARENA_SIZE], bytes[FRAME_MAX], sent[FRAME_MAX];
static struct net_receive receive;
static struct buffer buffers[VIRTQUEUE_SIZE_MAX]; /* by head */
static uint16_t order[VIRTQUEUE_SIZE_MAX];        /* heads in the order of their offer */
static unsigned n_offered, n_used;                /* free-running */
static uint32_t next_at, clean_from = ARENA_SIZE;
static struct {
    uint32_t length;
    uint8_t seed;
} frames[FRAMES_MAX];
static unsigned n_sent, n_done;
static int wires[2];

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_)
{
    log_setup((enum log_level)0); /* silence */
    MUST((driver = driver_new(VIRTQUEUE_SIZE_MAX)));
    arena = guest_memory_at(&driver->memory, ARENA, ARENA_SIZE);
    return 0;
}

static void make_frame(uint8_t *ret, uint32_t length, uint8_t seed)
{
    for (uint32_t i = 0; i < length; i++)
        ret[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

/* A buffer of PIECES, each LENGTH long and a gap away from the next. False: there is no room. */
static bool offer(unsigned n_pieces, uint32_t length, bool indirect)
{
    uint16_t size = driver->queue.state.size, head = (uint16_t)(n_offered % size);
    struct buffer *buffer = &buffers[head];

    if (n_offered - n_used == size || next_at + n_pieces * (length + 1) > ARENA_SIZE)
        return false;
    if (!indirect)
        n_pieces = 1; /* else descriptors of others would be overwritten */
    *buffer = (struct buffer){.n_pieces = n_pieces};
    for (uint16_t i = 0; i < n_pieces; i++, next_at += length + 1) {
        uint16_t flags = VRING_DESC_F_WRITE | (i + 1 < n_pieces ? VRING_DESC_F_NEXT : 0);

        buffer->pieces[i].at = next_at;
        buffer->pieces[i].length = length;
        buffer->bytes += length;
        memset(offered + next_at, 1, length);
        if (indirect)
            driver_indirect(driver, 0x800000 + head * UINT64_C(0x1000), i, ARENA + next_at, length,
                            flags, (uint16_t)(i + 1));
        else
            driver_describe(driver, head, ARENA + next_at, length, flags, 0);
    }
    if (indirect)
        driver_describe(driver, head, 0x800000 + head * UINT64_C(0x1000), n_pieces * 16u,
                        VRING_DESC_F_INDIRECT, 0);
    order[n_offered++ % size] = head;
    driver_offer(driver, head);
    return true;
}

static void send_frame(uint32_t length, uint8_t seed)
{
    if (n_sent - n_done == FRAMES_MAX)
        return;
    make_frame(sent, length, seed);
    if (send(wires[1], sent, length, MSG_NOSIGNAL) != (ssize_t)length)
        return; /* the wire is full */
    frames[n_sent % FRAMES_MAX].length = length;
    frames[n_sent++ % FRAMES_MAX].seed = seed;
}

/* Takes used element AT back: its first LENGTH bytes are appended to what is in `bytes`. */
static uint32_t take(unsigned at, uint32_t have)
{
    const struct vring_used_elem *element = &driver->used->ring[at % driver->queue.state.size];
    const struct buffer *buffer = &buffers[element->id];
    uint32_t left = element->len;

    MUST(element->id == order[at % driver->queue.state.size]);
    MUST(element->len > 0 && element->len <= buffer->bytes && have + left <= sizeof(bytes));
    for (unsigned i = 0; i < buffer->n_pieces; i++) {
        uint32_t piece = buffer->pieces[i].length, start = buffer->pieces[i].at;
        uint32_t n = left < piece ? left : piece;

        memcpy(bytes + have, arena + start, n);
        have += n;
        left -= n;
        memcpy(shadow + start, arena + start, piece);
        memset(offered + start, 0, piece);
    }
    return have;
}

/* The frame that was delivered in the COUNT buffers that came. */
static void check_frame(unsigned count)
{
    struct virtio_net_hdr_v1 header;
    uint32_t have = 0, length = frames[n_done % FRAMES_MAX].length;

    MUST(n_sent != n_done);
    make_frame(sent, length, frames[n_done++ % FRAMES_MAX].seed);
    for (unsigned i = 0; i < count; i++) {
        uint32_t before = have;

        have = take(n_used + i, have);
        /* Only the last one has room left. */
        MUST(i + 1 == count ||
             have - before == buffers[order[(n_used + i) % driver->queue.state.size]].bytes);
    }
    n_used += count;
    memcpy(&header, bytes, sizeof(header));
    MUST(have == length && header.num_buffers == count && (count == 1 || receive.mergeable));
    if (!receive.offloads)
        memset(sent, 0, sizeof(header));
    header.num_buffers = 0;
    memcpy(bytes, &header, sizeof(header));
    memset(sent + offsetof(struct virtio_net_hdr_v1, num_buffers), 0, 2);
    MUST(memcmp(bytes, sent, length) == 0);
}

/* A frame that nobody will see: there must be a reason. */
static void check_loss(void)
{
    bool full = receive.n_held == receive.queue->state.size ||
                receive.n_iov + VIRTQUEUE_CHAIN_MAX > NET_RECEIVE_IOV_MAX;

    MUST(n_sent != n_done);
    uint32_t length = frames[n_done++ % FRAMES_MAX].length;
    MUST(length > receive.held_bytes);
    MUST(!receive.mergeable || length > NET_PACKET_MAX || full);
}

static void receive_one(void)
{
    uint16_t used = driver->used->idx;
    int r = net_receive_one(&receive, wires[0]);
    unsigned came = (uint16_t)(driver->used->idx - used);

    MUST(r == 1 || ((r == 0 || r == -ENOBUFS) && came == 0));
    MUST(receive.n_held <= driver->queue.state.size);
    if (came > 0)
        check_frame(came);
    else if (r == 1 && receive.packet == 0)
        check_loss();
    else if (r == 0)
        MUST(n_sent == n_done);
}

static void start(struct input *input)
{
    uint8_t kind = input_8(input);
    uint64_t accepted = (kind & 1 ? NET_FEATURE(VIRTIO_NET_F_MRG_RXBUF) : 0) |
                        (kind & 2 ? NET_FEATURE(VIRTIO_NET_F_GUEST_CSUM) : 0);

    memset(driver->descriptors, 0, 4096);
    memset(driver->available, 0, 4096);
    memset(driver->used, 0, 4096);
    /* As far as the last input went, which left the rest as it was. */
    memset(arena, CANARY, clean_from);
    memset(shadow, CANARY, clean_from);
    memset(offered, 0, clean_from);
    n_offered = n_used = n_sent = n_done = next_at = 0;
    virtqueue_reset(&driver->queue, &driver->memory, (uint16_t)(1u << (kind >> 3) % 9));
    driver->queue.state.descriptor_area = DESCRIPTORS;
    driver->queue.state.driver_area = AVAILABLE;
    driver->queue.state.device_area = USED;
    MUST(virtqueue_start(&driver->queue, kind & 4) == 0);
    net_receive_start(&receive, &driver->queue, accepted);
}

static void operate(struct input *input, uint8_t operation)
{
    uint8_t kind = input_8(input);
    /* At least a header and an Ethernet header, where a frame must fit into one. */
    uint32_t least = receive.mergeable ? 1 : TAP_HEADER_SIZE + NET_FRAME_MIN;
    uint32_t length = least + (kind & 0x80 ? input_16(input) : input_8(input) * 8u);

    switch (operation) {
    case OFFER:
        (void)offer(kind & 0x20 ? PIECES_MAX : 1 + kind % PIECES_FEW, length, kind & 0x40);
        break;
    case OFFER_MANY:
        for (unsigned i = 0; i < kind % 64u; i++)
            (void)offer(1, length, false);
        break;
    case SEND:
        length = TAP_HEADER_SIZE + NET_FRAME_MIN + (kind & 0x80 ? input_16(input) : length);
        send_frame(length < FRAME_MAX ? length : FRAME_MAX, kind);
        break;
    default:
        for (unsigned i = 0; i < 1 + kind % 8u; i++)
            receive_one();
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};

    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, wires) == 0);
    start(&input);
    for (unsigned i = 0; i < OPERATIONS_MAX && input.size > 0; i++)
        operate(&input, input_8(&input) % OPERATIONS);
    clean_from = next_at + MARGIN < ARENA_SIZE ? next_at + MARGIN : ARENA_SIZE;
    for (uint32_t i = 0; i < clean_from; i++)
        MUST(offered[i] || arena[i] == shadow[i]);
    close_fd(wires[0]);
    close_fd(wires[1]);
    return 0;
}
