/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The driver. What it sends is UDP from a port that the pair has for itself. */
#include "net-driver.h"

#include "interrupts.h"

enum {
    PORT_OF_PAIR = 7000,
    PORT_ECHO = 7,   /* of the host: answers */
    PORT_ORDERS = 9, /* of the host: does what the first byte says */
    ATTEMPTS = 20,
};

struct net net;
uint8_t buffers[2 * PAIRS_MAX][RING_SIZE][BUFFER_MAX];

static uint8_t control_bytes[64], control_answer;
static struct net_frame received;
static bool served_by_kernel;

unsigned net_pairs(void)
{
    return virtio_offered(&net.virtio) & NET_MULTI_QUEUE
               ? read16(net.virtio.device + NET_CONFIG_PAIRS)
               : 1;
}

static void offer_receive(unsigned pair, uint16_t i)
{
    ring_describe(2 * pair, i, (uint64_t)buffers[2 * pair][i], net.receive_size, DESCRIPTOR_WRITE,
                  0);
    ring_add(2 * pair, i);
}

static void set_vectors(void)
{
    virtio_enable_vectors(&net.virtio);
    for (unsigned i = 0; i < 2 * net.pairs; i++)
        virtio_set_queue_vector(&net.virtio, i, (uint16_t)i);
    net.config_vector = read16(net.virtio.common + COMMON_QUEUES);
    virtio_set_config_vector(&net.virtio, (uint16_t)net.config_vector);
}

void net_start(const struct net_wish *wish)
{
    const struct virtio *virtio = &net.virtio;
    unsigned n = wish->n_receive ? wish->n_receive : RING_SIZE;

    virtio_reset(virtio);
    net.features = wish->features;
    net.receive_size = wish->receive_size ? wish->receive_size : BUFFER_MAX;
    net.pairs = wish->features & NET_MULTI_QUEUE ? net_pairs() : 1;
    net.control = 2 * net.pairs;
    virtio_negotiate(virtio, wish->features);
    if (wish->interrupts)
        set_vectors();
    for (unsigned i = 0; i < 2 * net.pairs; i++)
        virtio_set_ring(virtio, i);
    if (wish->features & NET_CONTROL)
        virtio_set_ring(virtio, net.control);
    virtio_set_ready(virtio);
    for (unsigned pair = 0; pair < net.pairs; pair++) {
        for (uint16_t i = 0; i < n; i++)
            offer_receive(pair, i);
        virtio_notify(virtio, 2 * pair);
    }
}

void net_start_plain(uint64_t features)
{
    net_start(&(struct net_wish){.features = features, .receive_size = 2048});
}

bool by_kernel(void)
{
    return served_by_kernel;
}

void net_open(void)
{
    /* Now: a hostile payload may lose what the loader left. */
    served_by_kernel = equal(wanted(), "vhost");
    CHECK(virtio_find(&net.virtio), 0);
    net_start_plain(0);
    net_ping_patiently(0, 1, 60);
}

uint8_t net_control(uint8_t class, uint8_t command, const void *data, uint32_t n)
{
    control_bytes[0] = class;
    control_bytes[1] = command;
    memcpy(control_bytes + 2, data, n);
    control_answer = 0xee;
    ring_describe(net.control, 0, (uint64_t)control_bytes, 2, DESCRIPTOR_NEXT, n ? 1 : 2);
    ring_describe(net.control, 1, (uint64_t)control_bytes + 2, n, DESCRIPTOR_NEXT, 2);
    ring_describe(net.control, 2, (uint64_t)&control_answer, 1, DESCRIPTOR_WRITE, 0);
    ring_offer(&net.virtio, net.control, 0);
    unsigned at = ring_wait(&net.virtio, net.control);
    CHECK(rings[net.control].used.ring[at].length == 1, rings[net.control].used.ring[at].length);
    return *(volatile uint8_t *)&control_answer;
}

uint8_t net_set_pairs(uint16_t n)
{
    return net_control(CONTROL_PAIRS, CONTROL_PAIRS_SET, &n, sizeof(n));
}

static void put16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static void write_headers(uint8_t *frame, unsigned pair, unsigned port, uint32_t n)
{
    uint32_t sum = 0;

    memset(frame, 0, NET_HEADERS);
    memset(frame, 0xff, 6);
    memcpy(frame + 6, "\x52\x54\x00\x12\x34\x56", 6);
    put16(frame + 12, 0x0800);
    memcpy(frame + 14, "\x45\0\0\0\0\0\0\0\x40\x11\0\0\x0a\0\0\x02\x0a\0\0\x01", 20);
    put16(frame + 16, n - 14);
    for (unsigned i = 14; i < 34; i += 2)
        sum += (unsigned)frame[i] << 8 | frame[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    put16(frame + 24, ~((sum & 0xffff) + (sum >> 16)));
    put16(frame + 34, PORT_OF_PAIR + pair);
    put16(frame + 36, port);
    put16(frame + 38, n - 34);
}

void net_write_frame(uint8_t *frame, unsigned pair, uint8_t mark, uint32_t n)
{
    memset(frame + NET_HEADERS, mark, n - NET_HEADERS);
    write_headers(frame, pair, PORT_ECHO, n);
}

void net_post(unsigned pair, uint16_t slot, uint8_t mark, uint32_t n)
{
    uint8_t *frame = buffers[2 * pair + 1][slot];

    memset(frame, 0, NET_HEADER);
    net_write_frame(frame + NET_HEADER, pair, mark, n);
    ring_describe(2 * pair + 1, slot, (uint64_t)frame, NET_HEADER + n, 0, 0);
    ring_offer(&net.virtio, 2 * pair + 1, slot);
}

void net_send(unsigned pair, uint8_t mark, uint32_t n)
{
    unsigned queue = 2 * pair + 1;

    net_post(pair, 0, mark, n);
    unsigned at = ring_wait(&net.virtio, queue);
    CHECK(rings[queue].used.ring[at].id == 0, rings[queue].used.ring[at].id);
}

/* Appends what used element AT of the queue says, and offers the buffer again. */
static void take_buffer(unsigned pair, unsigned at)
{
    const struct ring *ring = &rings[2 * pair];
    uint32_t id = ring->used.ring[at].id, length = ring->used.ring[at].length;

    CHECK(id < RING_SIZE, id);
    CHECK(length > 0 && length <= net.receive_size, length);
    CHECK(received.n + length <= sizeof(received.bytes), received.n);
    memcpy(received.header + received.n, buffers[2 * pair][id], length);
    received.n += length;
    received.buffers++;
    offer_receive(pair, (uint16_t)id);
}

bool net_receive(unsigned pair, struct net_frame **ret)
{
    const struct ring *ring = &rings[2 * pair];
    unsigned at, missing;

    /* The device hears of many buffers at once, and of the last. */
    if (ring->used.index == ring->next_used)
        virtio_notify(&net.virtio, 2 * pair);
    if (!ring_wait_briefly(2 * pair, &at))
        return false;
    received.n = received.buffers = 0;
    take_buffer(pair, at);
    CHECK(received.n >= NET_HEADER, received.n);
    missing = (received.header[10] | (unsigned)received.header[11] << 8) - 1u;
    /* Before Linux 6.14, vhost-net writes num_buffers for mergeable buffers alone: it is what was
     * in the buffer before. */
    if (!(net.features & NET_MERGEABLE) && by_kernel())
        missing = 0;
    CHECK(missing < RING_SIZE, missing);
    CHECK(missing == 0 || (net.features & NET_MERGEABLE), missing);
    for (; missing > 0; missing--) {
        /* All but the last buffer of a frame are full, and all of them are there at once. */
        CHECK(received.n == received.buffers * net.receive_size, received.n);
        CHECK(ring->used.index != ring->next_used, missing);
        take_buffer(pair, rings[2 * pair].next_used++ % RING_SIZE);
    }
    received.n -= NET_HEADER;
    *ret = &received;
    return true;
}

void net_check_bytes(const struct net_frame *frame, uint32_t from, uint8_t mark)
{
    typedef uint64_t __attribute__((may_alias, aligned(1))) word;
    uint64_t pattern = mark * 0x0101010101010101ul;
    uint32_t i = from;

    for (; i + 8 <= frame->n; i += 8)
        CHECK(*(const word *)(frame->bytes + i) == pattern, i);
    for (; i < frame->n; i++)
        CHECK(frame->bytes[i] == mark, i);
}

/* True where the frame is the answer to what PAIR sent with MARK - 1; fails where it is damaged. */
static bool is_answer(const struct net_frame *frame, unsigned pair, uint8_t mark, uint32_t n)
{
    const uint8_t *p = frame->bytes;

    if (frame->n < NET_HEADERS + 1 || p[12] != 8 || p[13] != 0 || p[23] != 17 ||
        (p[36] << 8 | p[37]) != PORT_ECHO || p[NET_HEADERS] != mark || frame->n != n)
        return false;
    CHECK((p[34] << 8 | p[35]) == (int)(PORT_OF_PAIR + pair), p[34] << 8 | p[35]);
    net_check_bytes(frame, NET_HEADERS, mark);
    return true;
}

static bool try_expect(unsigned pair, uint8_t mark, uint32_t n)
{
    struct net_frame *frame;

    for (uint64_t begin = cycles(); cycles() - begin < PATIENCE_BRIEF;)
        if (net_receive(pair, &frame) && is_answer(frame, pair, mark, n))
            return true;
    return false;
}

void net_expect(unsigned pair, uint8_t mark, uint32_t n)
{
    for (unsigned i = 0; i < ATTEMPTS; i++)
        if (try_expect(pair, mark, n))
            return;
    fail("no answer, mark and size", (uint64_t)mark << 32 | n);
}

void net_ping(unsigned pair, uint8_t mark, uint32_t n)
{
    net_send(pair, mark, n);
    net_expect(pair, (uint8_t)(mark + 1), n);
}

void net_ping_patiently(unsigned pair, uint8_t mark, uint32_t n)
{
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        net_send(pair, mark, n);
        if (try_expect(pair, (uint8_t)(mark + 1), n))
            return;
    }
    fail("no answer at all on pair", pair);
}

static void order(uint8_t what)
{
    uint8_t *frame = buffers[1][0];

    memset(frame, 0, NET_HEADER + 100);
    write_headers(frame + NET_HEADER, 0, PORT_ORDERS, 100);
    frame[NET_HEADER + NET_HEADERS] = what;
    ring_describe(1, 0, (uint64_t)frame, NET_HEADER + 100, 0, 0);
    ring_offer(&net.virtio, 1, 0);
    (void)ring_wait(&net.virtio, 1);
}

void net_host_flood(bool on)
{
    order(on ? 'F' : 'f');
}

/* The pair on which a frame came, or net.pairs. */
static unsigned pair_with_frame(void)
{
    unsigned pair = 0;

    while (pair < net.pairs && rings[2 * pair].used.index == rings[2 * pair].next_used)
        pair++;
    return pair;
}

/*
 * Asleep, so that all the time that is measured is the VMM's own. The device may wait, too: for
 * buffers that were offered and of which it has not heard.
 */
static unsigned sleep_until_frame(void)
{
    unsigned pair;

    for (pair = 0; pair < net.pairs; pair++)
        virtio_notify(&net.virtio, 2 * pair);
    for (interrupts_off(); (pair = pair_with_frame()) == net.pairs; interrupts_off())
        interrupts_on_and_sleep();
    __asm__ volatile("sti");
    return pair;
}

void net_host_measure(uint32_t *ret_milliseconds, uint32_t *ret_kilobytes)
{
    struct net_frame *frame;
    const uint8_t *p;

    order('M');
    do {
        /* TAP forgets after three seconds on which pair the order came, and chooses another. */
        CHECK(net_receive(sleep_until_frame(), &frame), 0);
        p = frame->bytes + NET_HEADERS;
    } while (p[0] != 'R' || (frame->bytes[36] << 8 | frame->bytes[37]) != PORT_ORDERS);
    memcpy(ret_milliseconds, p + 4, 4);
    memcpy(ret_kilobytes, p + 8, 4);
}
