/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A balloon's driver that wants to do harm: pages in use and pages that are not there, giant lists,
 * circles, nonsense in each queue. The device serves all of it, or waits for a reset. */
#include "balloon.h"

static struct virtio balloon;
static uint32_t pfns[16 * 1024];
static uint64_t seed = 42;

static uint32_t next(void)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (uint32_t)(seed >> 33);
}

static void start(void)
{
    balloon_start(&balloon, FEATURE_STATISTICS | FEATURE_REPORTING | FEATURE_POISON);
}

static void check_good(void)
{
    start();
    memset((void *)PLACE, 0x5a, 2 * PAGE);
    pfns[0] = (uint32_t)(PLACE / PAGE);
    balloon_send(&balloon, INFLATE, pfns, 4, false);
    CHECK(read8(PLACE) == 0 && read8(PLACE + PAGE) == 0x5a, read8(PLACE));
}

/* What is no RAM: the hole, the ends, all ones. */
static void run_beyond(void)
{
    static const uint32_t edges[] = {0xa0,    0xc0000,  0xe0000,    0xfee00,
                                     0xfffff, 0x100000, 0x7fffffff, 0xffffffff};

    for (unsigned i = 0; i < sizeof(pfns) / sizeof(pfns[0]); i++)
        pfns[i] = i < 8 ? edges[i] : 0x4000 + next(); /* from the end of 64 MiB on */
    for (unsigned i = 1; i < 8; i++)                  /* the first of them is RAM here */
        balloon_send(&balloon, i % 2 ? INFLATE : DEFLATE, pfns + 1, sizeof(pfns) / i - 4, false);
}

/* All of the place, again and again, while it is written to. */
static void run_giants(void)
{
    for (unsigned i = 0; i < 200; i++) {
        for (uint16_t k = 0; k < RING_SIZE; k++)
            ring_describe(REPORTING, k, PLACE, 16 * MIB,
                          DESCRIPTOR_WRITE | (k < RING_SIZE - 1 ? DESCRIPTOR_NEXT : 0),
                          (uint16_t)(k + 1));
        ring_offer(&balloon, REPORTING, 0);
        for (uint64_t at = PLACE; rings[REPORTING].used.index == rings[REPORTING].next_used;
             at = at + PAGE < PLACE + 16 * MIB ? at + PAGE : PLACE)
            write8(at, 1);
        (void)ring_wait(&balloon, REPORTING);
    }
    for (unsigned i = 0; i < sizeof(pfns) / sizeof(pfns[0]); i++)
        pfns[i] = (uint32_t)(PLACE / PAGE) + next() % 4096;
    for (unsigned i = 0; i < 20; i++)
        balloon_send(&balloon, INFLATE, pfns, sizeof(pfns), false);
}

/* The rings themselves are given back: they are as empty for the device as for us. */
static void run_suicide(void)
{
    struct available *available = (struct available *)(PLACE + PAGE);

    for (unsigned part = 0; part < 4; part++) {
        virtio_reset(&balloon);
        virtio_negotiate(&balloon, 0);
        memset((void *)PLACE, 0, 4 * PAGE);
        virtio_set_queue(&balloon, INFLATE, PLACE, PLACE + PAGE, PLACE + 2 * PAGE);
        virtio_set_ring(&balloon, DEFLATE);
        virtio_set_ready(&balloon);
        *(struct descriptor *)PLACE = (struct descriptor){PLACE + 3 * PAGE, 4, 0, 0};
        write32(PLACE + 3 * PAGE, (uint32_t)(PLACE / PAGE) + part);
        available->index = 1;
        virtio_notify(&balloon, INFLATE);
        /* Into the used ring the device has written since. */
        CHECK_SOON(part == 2 || read32(PLACE + part * PAGE) == 0, part);
        virtio_notify(&balloon, INFLATE);
        pass(1ul << 24);
    }
    virtio_reset(&balloon);
}

/* Wrong ways, circles, more than the ring has, buffers beyond memory. */
static void run_broken(void)
{
    for (unsigned queue = INFLATE; queue <= REPORTING; queue++) {
        uint16_t wrong = queue == REPORTING ? 0 : DESCRIPTOR_WRITE;
        uint16_t right = queue == REPORTING ? DESCRIPTOR_WRITE : 0;

        for (unsigned attack = 0; attack < 4; attack++) {
            start();
            ring_describe(queue, 0, attack == 2 ? 0xfffffffff000ul : PLACE, 64,
                          attack == 0   ? wrong
                          : attack == 1 ? right | DESCRIPTOR_NEXT
                                        : right,
                          0);
            if (attack == 3)
                rings[queue].available.index = 1000;
            ring_offer(&balloon, queue, 0);
            virtio_wait_broken(&balloon, "a broken request");
        }
    }
    for (unsigned mask = 0; mask < 3; mask++) {
        virtio_reset(&balloon);
        virtio_negotiate(&balloon, 0);
        for (unsigned queue = 0; queue < 2; queue++)
            if (mask >> queue & 1)
                virtio_set_ring(&balloon, queue);
        virtio_set_ready(&balloon);
        virtio_wait_broken(&balloon, "half a balloon");
    }
}

/* Statistics without end, nonsense in the configuration, resets in between. */
static void run_storm(void)
{
    for (unsigned i = 0; i < 200; i++) {
        start();
        for (uint16_t k = 0; k < RING_SIZE; k++) {
            ring_describe(STATISTICS, k, PLACE + k, 16 * MIB, 0, 0);
            ring_offer(&balloon, STATISTICS, k);
            ring_describe(DEFLATE, k, PLACE + k, 1 + next() % MIB, 0, 0);
            ring_offer(&balloon, DEFLATE, k);
        }
        for (unsigned k = 0; k < 64; k++) {
            uint64_t at = balloon.device + next() % 64;

            if (at - balloon.device != CONFIG_POISON)
                write32(at, next());
            write8(at, (uint8_t)next());
            (void)read64(at & ~7ul);
        }
    }
}

void guest_main(void)
{
    CHECK(virtio_find_type(VIRTIO_TYPE_BALLOON, &balloon), 0);
    check_good();
    run_beyond();
    run_giants();
    run_suicide();
    run_broken();
    run_storm();
    check_good();
    print("the balloon survived\n");
    power_off();
}
