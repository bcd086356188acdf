/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A vsock driver, honest and not: the configuration, packets to a host where nobody listens, events
 * that never come, and rings that are broken. After each attack a reset brings the device back. */
#include "virtio.h"

enum {
    VIRTIO_TYPE_VSOCK = 19,
    FEATURE_SEQPACKET = 1 << 1,
    CID = 4711,
    CID_HOST = 2,
    PORT = 1, /* of the host's; nobody is there */

    RECEIVE = 0,
    SEND = 1,
    EVENT = 2,

    TYPE_STREAM = 1,
    OPERATION_REQUEST = 1,
    OPERATION_RESET = 3,
    ROOM = 4096, /* of a buffer to receive into */
};

struct packet {
    uint64_t source, destination;
    uint32_t source_port, destination_port, length;
    uint16_t type, operation;
    uint32_t flags, allocated, forwarded;
} __attribute__((packed));

static struct virtio vsock;
static struct packet request;
static uint8_t received[RING_SIZE][ROOM], events[8];

static void start(uint64_t features)
{
    virtio_reset(&vsock);
    virtio_negotiate(&vsock, features);
    for (unsigned queue = RECEIVE; queue <= EVENT; queue++)
        virtio_set_ring(&vsock, queue);
    virtio_set_ready(&vsock);
    for (uint16_t i = 0; i < RING_SIZE / 2; i++) {
        ring_describe(RECEIVE, i, (uint64_t)received[i], ROOM, DESCRIPTOR_WRITE, 0);
        ring_offer(&vsock, RECEIVE, i);
    }
    ring_describe(EVENT, 0, (uint64_t)events, sizeof(events), DESCRIPTOR_WRITE, 0);
    ring_offer(&vsock, EVENT, 0);
}

static void send(uint64_t source, uint64_t destination, uint32_t source_port)
{
    request = (struct packet){.source = source,
                              .destination = destination,
                              .source_port = source_port,
                              .destination_port = PORT,
                              .type = TYPE_STREAM,
                              .operation = OPERATION_REQUEST,
                              .allocated = ROOM};
    ring_describe(SEND, 0, (uint64_t)&request, sizeof(request), 0, 0);
    ring_offer(&vsock, SEND, 0);
    (void)ring_wait(&vsock, SEND);
}

/* Nobody listens there: the host says so, to whoever asked. */
static void check_answer(uint32_t source_port)
{
    unsigned at = ring_wait(&vsock, RECEIVE);
    const struct packet *packet = (const void *)received[rings[RECEIVE].used.ring[at].id];

    CHECK(rings[RECEIVE].used.ring[at].length == sizeof(*packet), at);
    CHECK(packet->source == CID_HOST && packet->destination == CID, packet->destination);
    CHECK(packet->source_port == PORT && packet->destination_port == source_port,
          packet->destination_port);
    CHECK(packet->operation == OPERATION_RESET, packet->operation);
}

static void check_good(uint64_t features)
{
    start(features);
    for (uint32_t port = 5000; port < 5004; port++) {
        send(CID, CID_HOST, port);
        check_answer(port);
    }
    CHECK(rings[EVENT].used.index == 0, rings[EVENT].used.index);
}

static void check_config(void)
{
    CHECK(read64(vsock.device) == CID, read64(vsock.device));
    CHECK(read32(vsock.device) == CID && read32(vsock.device + 4) == 0, read32(vsock.device + 4));
    for (uint64_t offset = 0; offset < 64; offset++)
        write8(vsock.device + offset, 0xff); /* none of it is the driver's */
    CHECK(read64(vsock.device) == CID, read64(vsock.device));
}

/* What says that it comes from elsewhere, or goes there, is not let through. */
static void check_forged(void)
{
    start(0);
    send(CID + 1, CID_HOST, 6000);
    send(CID_HOST, CID_HOST, 6001);
    send(CID, CID + 1, 6002);
    send(CID | 1ul << 32, CID_HOST, 6003);
    send(CID, CID_HOST, 6004);
    check_answer(6004);
}

static void jump(void)
{
    rings[SEND].available.index = 1000;
    virtio_notify(&vsock, SEND);
}

static void bad_head(void)
{
    ring_offer(&vsock, SEND, RING_SIZE);
}

static void circle(void)
{
    ring_describe(SEND, 0, (uint64_t)&request, sizeof(request), DESCRIPTOR_NEXT, 1);
    ring_describe(SEND, 1, (uint64_t)&request, sizeof(request), DESCRIPTOR_NEXT, 0);
    ring_offer(&vsock, SEND, 0);
}

static void beyond(void)
{
    ring_describe(SEND, 0, 0xb0000000, sizeof(request), 0, 0);
    ring_offer(&vsock, SEND, 0);
}

static void registers_as_buffer(void)
{
    ring_describe(SEND, 0, vsock.bar, sizeof(request), 0, 0);
    ring_offer(&vsock, SEND, 0);
}

static void writable_request(void)
{
    ring_describe(SEND, 0, (uint64_t)&request, sizeof(request), DESCRIPTOR_WRITE, 0);
    ring_offer(&vsock, SEND, 0);
}

static void short_request(void)
{
    ring_describe(SEND, 0, (uint64_t)&request, sizeof(request) - 1, 0, 0);
    ring_offer(&vsock, SEND, 0);
}

static const struct {
    const char *name;
    void (*attack)(void);
} attacks[] = {
    {"an index that jumps", jump},
    {"a head that is not there", bad_head},
    {"a circle", circle},
    {"a request beyond memory", beyond},
    {"registers as a request", registers_as_buffer},
    {"a request to write to", writable_request},
    {"a request cut short", short_request},
};

static void check_attacks(void)
{
    for (unsigned i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        start(0);
        attacks[i].attack();
        virtio_wait_broken(&vsock, attacks[i].name);
        check_good(0);
        print("ok: ");
        print(attacks[i].name);
        print("\n");
    }
}

/* Nobody reads it: whatever stands in the event queue's ring, the device goes on. */
static void check_events(void)
{
    start(0);
    memset((void *)rings[EVENT].descriptors, 0xff, sizeof(rings[EVENT].descriptors));
    rings[EVENT].available.index = 0x7777;
    for (unsigned i = 0; i < 1000; i++)
        virtio_notify(&vsock, EVENT);
    send(CID, CID_HOST, 7000);
    check_answer(7000);
    /* And one that lies nowhere keeps it from starting, as any queue does. */
    virtio_reset(&vsock);
    virtio_negotiate(&vsock, 0);
    virtio_set_ring(&vsock, RECEIVE);
    virtio_set_ring(&vsock, SEND);
    virtio_set_queue(&vsock, EVENT, 0xb0000000, 0xb0000000, 0xb0000000);
    virtio_set_ready(&vsock);
    virtio_wait_broken(&vsock, "events out of memory");
}

static void check_halves(void)
{
    for (unsigned mask = 0; mask < 8; mask++) {
        virtio_reset(&vsock);
        virtio_negotiate(&vsock, 0);
        for (unsigned queue = 0; queue < 3; queue++)
            if (mask >> queue & 1)
                virtio_set_ring(&vsock, queue);
        virtio_set_ready(&vsock);
        for (unsigned queue = 0; queue < 20; queue++)
            virtio_notify(&vsock, queue);
        if ((mask & 3) != 3)
            virtio_wait_broken(&vsock, "half a device is taken");
    }
}

/* Nonsense into each register while it runs. */
static void check_nonsense(void)
{
    for (unsigned v = 0; v < 2; v++) {
        start(0);
        for (uint32_t offset = 0; offset < 0x8000; offset += offset % 0x1000 < 0x80 ? 1 : 0x3f) {
            write64(vsock.bar + offset, v ? UINT64_MAX : 0);
            write32(vsock.bar + offset, v ? UINT32_MAX : 0);
            write16(vsock.bar + offset, v ? UINT16_MAX : 0);
            (void)read64(vsock.bar + offset);
        }
    }
}

void guest_main(void)
{
    uint64_t seqpacket;

    CHECK(virtio_find_type(VIRTIO_TYPE_VSOCK, &vsock), 0);
    check_config();
    seqpacket = virtio_offered(&vsock) & FEATURE_SEQPACKET;
    for (unsigned life = 0; life < 20; life++)
        check_good(life % 2 ? seqpacket : 0);
    check_forged();
    check_events();
    check_halves();
    check_attacks();
    check_nonsense();
    check_good(seqpacket);
    print("the socket survived\n");
    power_off();
}
