/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The entropy source, driven honestly and greedily: what it gives, what that costs, what breaks. */
#include "virtio.h"

enum {
    VIRTIO_TYPE_RNG = 4,
    ANSWER_MAX = 4096,
    GREED = 1024, /* KiB that are asked for at once */
};

static struct virtio rng;
static uint8_t data[2 * ANSWER_MAX] __attribute__((aligned(4096)));
static uint8_t old[64];

static void start(void)
{
    virtio_reset(&rng);
    virtio_negotiate(&rng, 0);
    virtio_set_ring(&rng, 0);
    virtio_set_ready(&rng);
}

static uint32_t request(uint32_t length)
{
    ring_describe(0, 0, (uint64_t)data, length, DESCRIPTOR_WRITE, 0);
    ring_offer(&rng, 0, 0);
    return rings[0].used.ring[ring_wait(&rng, 0)].length;
}

static void check_good(void)
{
    memset(data, 0, sizeof(data));
    CHECK(request(sizeof(old)) == sizeof(old), 0);
    CHECK(data[sizeof(old)] == 0, data[sizeof(old)]);
    memcpy(old, data, sizeof(old));
    CHECK(request(sizeof(old)) == sizeof(old), 0);
    CHECK(memcmp(old, data, sizeof(old)) != 0, 0);
    CHECK(request(1) == 1, 0);
}

/* More than a second's worth: it comes, and slowly. */
static void check_greed(void)
{
    uint64_t begin = cycles();

    for (unsigned kilobytes = 0; kilobytes < GREED; kilobytes += ANSWER_MAX / 1024)
        CHECK(request(sizeof(data)) == ANSWER_MAX, kilobytes);
    CHECK(cycles() - begin > 500ul << 20, cycles() - begin);
}

static void check_broken(void)
{
    start();
    ring_describe(0, 0, (uint64_t)data, 64, 0, 0);
    ring_offer(&rng, 0, 0);
    virtio_wait_broken(&rng, "there is something to read");
    start();
    ring_describe(0, 0, (uint64_t)data, 64, DESCRIPTOR_WRITE | DESCRIPTOR_NEXT, 0);
    ring_offer(&rng, 0, 0);
    virtio_wait_broken(&rng, "a circle");
    start();
    ring_describe(0, 0, 0xfffffffffffff000ul, 0xffffffff, DESCRIPTOR_WRITE, 0);
    ring_offer(&rng, 0, 0);
    virtio_wait_broken(&rng, "beyond all memory");
    start();
    rings[0].available.index = 1000;
    virtio_notify(&rng, 0);
    virtio_wait_broken(&rng, "more than the ring has");
    virtio_reset(&rng);
    virtio_negotiate(&rng, 0);
    virtio_set_ready(&rng);
    virtio_wait_broken(&rng, "no queue");
}

/* Resets while requests wait for the rate. */
static void check_resets(void)
{
    for (unsigned i = 0; i < 200; i++) {
        start();
        for (uint16_t k = 0; k < RING_SIZE; k++) {
            ring_describe(0, k, (uint64_t)data, sizeof(data), DESCRIPTOR_WRITE, 0);
            ring_offer(&rng, 0, k);
        }
    }
}

void guest_main(void)
{
    CHECK(virtio_find_type(VIRTIO_TYPE_RNG, &rng), 0);
    for (unsigned i = 0; i < 20; i++) {
        start();
        check_good();
    }
    check_greed();
    check_broken();
    check_resets();
    start();
    check_good();
    print("the entropy source survived\n");
    power_off();
}
