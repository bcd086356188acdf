/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mergeable buffers, checksums that the other side is to make, and segments larger than any frame.
 */
#include "net-driver.h"

enum {
    NEEDS_CHECKSUM = 1,
    GSO_TCPV4 = 1,
    UDP_AT = 34,
    UDP_CHECKSUM = 6,
    TCP_PAYLOAD = 54,
    TCP_CHECKSUM = 16,
    SEGMENT = 1448,
    PIECES = 7,
};

struct net_header {
    uint8_t flags, gso_type;
    uint16_t headers, gso_size, checksum_start, checksum_offset, buffers;
};

static struct {
    struct net_header header;
    uint8_t frame[66 * 1024];
} __attribute__((packed)) big;

/* What is in `big`, in several descriptors. */
static void offer_big(uint32_t n)
{
    uint32_t piece = (NET_HEADER + n) / PIECES, at = 0;

    for (uint16_t i = 0; i < PIECES; i++, at += piece)
        ring_describe(1, i, (uint64_t)&big + at, i < PIECES - 1 ? piece : NET_HEADER + n - at,
                      i < PIECES - 1 ? DESCRIPTOR_NEXT : 0, (uint16_t)(i + 1));
    ring_offer(&net.virtio, 1, 0);
}

static void send_big(uint32_t n)
{
    offer_big(n);
    (void)ring_wait(&net.virtio, 1);
}

static void ping_big(uint8_t mark, uint32_t n)
{
    big.header = (struct net_header){0};
    net_write_frame(big.frame, 0, mark, n);
    send_big(n);
    net_expect(0, (uint8_t)(mark + 1), n);
}

/* net_receive() checks that all buffers of a frame but the last are full. */
static void check_merging(uint64_t more, uint32_t size)
{
    net_start(&(struct net_wish){.features = NET_MERGEABLE | more, .receive_size = size});
    for (uint32_t n = 60; n < 8900 && NET_HEADER + n <= RING_SIZE * size; n += n / 5)
        ping_big((uint8_t)n, n);
    /* Just as large as so many buffers, and one more or less. */
    for (uint32_t k = 1; k <= RING_SIZE && k * size < 8900; k += 3)
        for (int more_or_less = -1; more_or_less <= 1; more_or_less++)
            if (k * size + more_or_less >= NET_HEADER + 60 &&
                k * size + more_or_less <= RING_SIZE * size)
                ping_big((uint8_t)k, k * size + more_or_less - NET_HEADER);
    net_start(&(struct net_wish){.features = NET_MERGEABLE | more, .receive_size = size});
    /* A frame that no number of buffers of this ring can hold is lost, and no other. (vhost-net
     * waits for a ring that can.) */
    if (RING_SIZE * size < 8000 && !by_kernel()) {
        big.header = (struct net_header){0};
        net_write_frame(big.frame, 0, 1, 8500);
        send_big(8500);
        ping_big(3, 1000);
    }
}

/* A frame whose end came before there were buffers for it: these are all that it waits for. */
static void check_late_buffers(void)
{
    net_start(&(struct net_wish){.features = NET_MERGEABLE, .receive_size = 256, .n_receive = 2});
    net_send(0, 0x40, 2000);
    pass(PATIENCE_BRIEF / 10);
    for (uint16_t i = 2; i < RING_SIZE; i++) {
        ring_describe(0, i, (uint64_t)buffers[0][i], 256, DESCRIPTOR_WRITE, 0);
        ring_add(0, i);
    }
    virtio_notify(&net.virtio, 0);
    net_expect(0, 0x41, 2000);
}

/* The checksum over the pseudo-header, which the other side goes on from. */
static uint16_t pseudo_checksum(const uint8_t *frame, uint8_t protocol, uint32_t length)
{
    uint32_t sum = protocol + length;

    for (unsigned i = 26; i < 34; i += 2)
        sum += (unsigned)frame[i] << 8 | frame[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)(sum >> 8 | sum << 8);
}

static uint16_t whole_checksum(const uint8_t *frame, uint32_t n)
{
    uint32_t sum = pseudo_checksum(frame, 17, n - UDP_AT);

    sum = (sum >> 8 | sum << 8) & 0xffff;
    for (uint32_t i = UDP_AT; i < n; i++)
        sum += i % 2 ? frame[i] : (unsigned)frame[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* Sends a datagram without its checksum. *RET is the answer. */
static void ping_unsummed(uint8_t mark, struct net_frame **ret)
{
    uint16_t sum;

    net_write_frame(big.frame, 0, mark, 700);
    sum = pseudo_checksum(big.frame, 17, 700 - UDP_AT);
    memcpy(big.frame + UDP_AT + UDP_CHECKSUM, &sum, 2);
    big.header = (struct net_header){
        .flags = NEEDS_CHECKSUM, .checksum_start = UDP_AT, .checksum_offset = UDP_CHECKSUM};
    send_big(700);
    do
        CHECK(net_receive(0, ret), mark);
    while ((*ret)->n != 700 || (*ret)->bytes[NET_HEADERS] != (uint8_t)(mark + 1));
}

/*
 * The same with a header that may make no sense: the sender's loss, and nobody else's. vhost-net in
 * some kernels goes on trying until there is a reset.
 */
static void send_nonsense(void)
{
    unsigned at;

    offer_big(700);
    if (!by_kernel())
        (void)ring_wait(&net.virtio, 1);
    else if (!ring_wait_briefly(1, &at))
        net_start_plain(NET_CSUM);
}

static void check_checksums(void)
{
    struct net_frame *answer;
    const struct net_header *header;

    net_start_plain(NET_CSUM | NET_GUEST_CSUM);
    ping_unsummed(0x50, &answer);
    header = (const struct net_header *)answer->header;
    CHECK(header->flags == NEEDS_CHECKSUM, header->flags);
    CHECK(header->checksum_start == UDP_AT, header->checksum_start);
    CHECK(header->checksum_offset == UDP_CHECKSUM, header->checksum_offset);

    /* For a driver that wants whole ones the host makes them. */
    net_start_plain(NET_CSUM);
    ping_unsummed(0x60, &answer);
    for (unsigned i = 0; i < 10; i++)
        CHECK(answer->header[i] == 0, answer->header[i]);
    CHECK(whole_checksum(answer->bytes, answer->n) == 0xffff,
          whole_checksum(answer->bytes, answer->n));

    for (unsigned i = 0; i < (by_kernel() ? 16 : 64); i++) {
        net_write_frame(big.frame, 0, 1, 700);
        big.header = (struct net_header){.flags = (uint8_t)(i * 7),
                                         .gso_type = (uint8_t)(i * 5),
                                         .headers = (uint16_t)(i * 1021),
                                         .gso_size = (uint16_t)(i * 2039),
                                         .checksum_start = (uint16_t)(i * 4093),
                                         .checksum_offset = (uint16_t)(i * 8191)};
        send_nonsense();
    }
    net_ping_patiently(0, 2, 600);
    print("checksums are left to the other side\n");
}

/* One TCP segment of N bytes, much larger than a frame. */
static void send_segment(uint8_t mark, uint32_t n)
{
    uint16_t sum;

    net_write_frame(big.frame, 0, mark, n);
    big.frame[23] = 6;
    big.frame[24] = big.frame[25] = 0; /* for the host does not look */
    memset(big.frame + 38, 0, TCP_PAYLOAD - 38);
    big.frame[46] = 5 << 4;
    big.frame[47] = 0x10;
    big.frame[48] = 0xff;
    sum = pseudo_checksum(big.frame, 6, n - UDP_AT);
    memcpy(big.frame + UDP_AT + TCP_CHECKSUM, &sum, 2);
    big.header = (struct net_header){.flags = NEEDS_CHECKSUM,
                                     .gso_type = GSO_TCPV4,
                                     .headers = TCP_PAYLOAD,
                                     .gso_size = SEGMENT,
                                     .checksum_start = UDP_AT,
                                     .checksum_offset = TCP_CHECKSUM};
    send_big(n);
}

static struct net_frame *receive_tcp(void)
{
    struct net_frame *frame;

    do
        CHECK(net_receive(0, &frame), 0);
    while (frame->bytes[23] != 6);
    return frame;
}

static void check_segments(uint64_t more)
{
    const uint32_t n = 60000;
    uint64_t none = 0;

    net_start(&(struct net_wish){.features = NET_CSUM | NET_GUEST_CSUM | NET_HOST_TSO4 |
                                             NET_GUEST_TSO4 | NET_MERGEABLE | NET_CONTROL |
                                             NET_GUEST_OFFLOADS | more});
    for (uint8_t i = 0; i < 10; i++) {
        send_segment(i, n);
        const struct net_frame *frame = receive_tcp();
        const struct net_header *header = (const struct net_header *)frame->header;

        CHECK(frame->n == n, frame->n);
        CHECK(header->gso_type == GSO_TCPV4 && header->gso_size == SEGMENT, header->gso_size);
        net_check_bytes(frame, TCP_PAYLOAD, (uint8_t)(i + 1));
    }
    /* Without that offload the host cuts it into frames, as many as the ring takes at once. */
    CHECK(net_control(CONTROL_OFFLOADS, CONTROL_OFFLOADS_SET, &none, sizeof(none)) == CONTROL_OK,
          0);
    send_segment(0x70, 10 * SEGMENT + TCP_PAYLOAD);
    for (unsigned i = 0; i < 10; i++) {
        const struct net_frame *frame = receive_tcp();

        CHECK(frame->n == SEGMENT + TCP_PAYLOAD, frame->n);
        CHECK(frame->header[0] == 0 && frame->header[1] == 0, frame->header[1]);
        net_check_bytes(frame, TCP_PAYLOAD, 0x71);
    }
}

void guest_main(void)
{
    net_open();
    check_merging(0, 256);
    check_merging(FEATURE_EVENT_INDEX, 1024);
    check_merging(FEATURE_INDIRECT, 2048);
    check_merging(0, 100);
    print("frames fill as many buffers as they need\n");
    check_checksums();
    check_segments(0);
    check_segments(FEATURE_EVENT_INDEX);
    print("segments go in one piece\n");
    check_late_buffers();
    print("a frame waits for buffers, and for nothing else\n");
    power_off();
}
