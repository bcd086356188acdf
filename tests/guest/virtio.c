/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The driver. Rings are polled; there is no interrupt handler in a payload. */
#include "virtio.h"

enum {
    ETHERTYPE = 0x88b5, /* for local experiments: tests/guest/host.c answers these */
    PATIENCE = 2000000,
};

struct ring rings[2];
uint8_t buffers[2][RING_SIZE][FRAME_MAX];

static uint16_t next_used[2];

static void read_capabilities(struct virtio *virtio)
{
    for (unsigned at = read8(virtio->config + 0x34); at; at = read8(virtio->config + at + 1)) {
        uint64_t address = virtio->bar + read32(virtio->config + at + 8);

        if (read8(virtio->config + at) != 9)
            continue;
        switch (read8(virtio->config + at + 3)) {
        case 1:
            virtio->common = address;
            break;
        case 2:
            virtio->notify = address;
            virtio->multiplier = read32(virtio->config + at + 16);
            break;
        case 3:
            virtio->isr = address;
            break;
        case 4:
            virtio->device = address;
            break;
        default:
            break;
        }
    }
}

bool virtio_find(struct virtio *ret)
{
    for (unsigned slot = 0; slot < 32; slot++) {
        uint64_t config = ECAM + (slot << 15);

        if (read32(config) != 0x10411af4)
            continue;
        *ret = (struct virtio){.config = config, .bar = read32(config + 0x10) & ~15u};
        write16(config + 4, 6);
        read_capabilities(ret);
        return ret->common && ret->notify && ret->isr && ret->device;
    }
    return false;
}

void virtio_reset(const struct virtio *virtio)
{
    write8(virtio->common + COMMON_STATUS, 0);
    for (unsigned i = 0; i < PATIENCE; i++)
        if (read8(virtio->common + COMMON_STATUS) == 0)
            return;
    fail("the reset has no end", read8(virtio->common + COMMON_STATUS));
}

void virtio_negotiate(const struct virtio *virtio, uint32_t extra)
{
    write8(virtio->common + COMMON_STATUS, STATUS_ACKNOWLEDGE);
    write8(virtio->common + COMMON_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    write32(virtio->common + COMMON_FEATURE_SELECT, 1);
    CHECK(read32(virtio->common + COMMON_FEATURE) & 1, 0); /* VERSION_1 */
    write32(virtio->common + COMMON_DRIVER_FEATURE_SELECT, 1);
    write32(virtio->common + COMMON_DRIVER_FEATURE, 1);
    write32(virtio->common + COMMON_DRIVER_FEATURE_SELECT, 0);
    write32(virtio->common + COMMON_DRIVER_FEATURE, extra);
    write8(virtio->common + COMMON_STATUS, STATUS_READY & ~STATUS_DRIVER_OK);
    CHECK(read8(virtio->common + COMMON_STATUS) & STATUS_FEATURES_OK, extra);
}

void virtio_set_queue(const struct virtio *virtio, unsigned queue, uint64_t descriptors,
                      uint64_t driver, uint64_t device)
{
    write16(virtio->common + COMMON_QUEUE_SELECT, (uint16_t)queue);
    write16(virtio->common + COMMON_QUEUE_SIZE, RING_SIZE);
    CHECK(read16(virtio->common + COMMON_QUEUE_SIZE) == RING_SIZE, queue);
    write64(virtio->common + COMMON_QUEUE_DESCRIPTORS, descriptors);
    write32(virtio->common + COMMON_QUEUE_DRIVER, (uint32_t)driver);
    write32(virtio->common + COMMON_QUEUE_DRIVER + 4, (uint32_t)(driver >> 32));
    write32(virtio->common + COMMON_QUEUE_DEVICE, (uint32_t)device);
    write32(virtio->common + COMMON_QUEUE_DEVICE + 4, (uint32_t)(device >> 32));
    write16(virtio->common + COMMON_QUEUE_ENABLE, 1);
}

void virtio_notify(const struct virtio *virtio, unsigned queue)
{
    write16(virtio->notify + queue * virtio->multiplier, (uint16_t)queue);
}

void virtio_set_ready(const struct virtio *virtio)
{
    write8(virtio->common + COMMON_STATUS, STATUS_READY);
}

void ring_offer(const struct virtio *virtio, unsigned queue, uint16_t head)
{
    struct available *available = &rings[queue].available;

    available->ring[available->index % RING_SIZE] = head;
    __asm__ volatile("" : : : "memory");
    available->index++;
    virtio_notify(virtio, queue);
}

void net_start(const struct virtio *virtio, uint32_t features)
{
    virtio_reset(virtio);
    memset(rings, 0, sizeof(rings));
    next_used[0] = next_used[1] = 0;
    virtio_negotiate(virtio, features);
    for (unsigned i = 0; i < 2; i++)
        virtio_set_queue(virtio, i, (uint64_t)rings[i].descriptors, (uint64_t)&rings[i].available,
                         (uint64_t)&rings[i].used);
    virtio_set_ready(virtio);
    for (uint16_t i = 0; i < RING_SIZE; i++) {
        rings[0].descriptors[i] = (struct descriptor){
            .address = (uint64_t)buffers[0][i], .length = FRAME_MAX, .flags = DESCRIPTOR_WRITE};
        ring_offer(virtio, 0, i);
    }
}

/* Waits for the next used element of QUEUE. Returns its place in the ring. */
static unsigned wait_used(const struct virtio *virtio, unsigned queue)
{
    for (unsigned i = 0; rings[queue].used.index == next_used[queue]; i++) {
        if (i % 1000 == 999 && read8(virtio->common + COMMON_STATUS) != STATUS_READY)
            fail("the device waits for a reset", queue);
        CHECK(i < 50 * PATIENCE, queue);
        relax();
    }
    return next_used[queue]++ % RING_SIZE;
}

void net_send(const struct virtio *virtio, uint8_t mark, uint32_t n)
{
    uint8_t *frame = buffers[1][0];

    memset(frame, 0, NET_HEADER);
    memset(frame + NET_HEADER, mark, n);
    memset(frame + NET_HEADER, 0xff, 6);
    memcpy(frame + NET_HEADER + 6, "\x52\x54\x00\x12\x34\x56", 6);
    frame[NET_HEADER + 12] = ETHERTYPE >> 8;
    frame[NET_HEADER + 13] = ETHERTYPE & 0xff;
    rings[1].descriptors[0] =
        (struct descriptor){.address = (uint64_t)frame, .length = NET_HEADER + n};
    ring_offer(virtio, 1, 0);
    unsigned at = wait_used(virtio, 1);
    CHECK(rings[1].used.ring[at].id == 0, rings[1].used.ring[at].id);
}

void net_expect(const struct virtio *virtio, uint8_t mark, uint32_t n)
{
    for (;;) {
        unsigned at = wait_used(virtio, 0);
        uint32_t id = rings[0].used.ring[at].id, length = rings[0].used.ring[at].length;

        CHECK(id < RING_SIZE, id);
        const uint8_t *frame = buffers[0][id] + NET_HEADER;
        bool ours =
            frame[12] == ETHERTYPE >> 8 && frame[13] == (ETHERTYPE & 0xff) && frame[14] == mark;
        if (ours) {
            CHECK(length == NET_HEADER + n, length);
            CHECK(frame[n - 1] == mark, frame[n - 1]);
            CHECK(buffers[0][id][10] == 1 && buffers[0][id][11] == 0, id); /* num_buffers */
        }
        ring_offer(virtio, 0, (uint16_t)id);
        if (ours)
            return;
    }
}

void net_ping(const struct virtio *virtio, uint8_t mark, uint32_t n)
{
    net_send(virtio, mark, n);
    net_expect(virtio, (uint8_t)(mark + 1), n);
}
