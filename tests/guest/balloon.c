/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A balloon's driver as it should be. The host looks at the figures afterwards. */
#include "balloon.h"

enum {
    LENGTH = 4 * MIB,
    PAGES = LENGTH / PAGE,
    PAGES_AT_ONCE = 256, /* as Linux */
    TAG_FREE = 4,
};

static struct virtio balloon;
static uint32_t pfns[PAGES_AT_ONCE];
static struct {
    uint16_t tag;
    uint64_t value;
} __attribute__((packed)) stats[2];

static void check_place(uint8_t value)
{
    for (uint64_t at = PLACE; at < PLACE + LENGTH; at += PAGE)
        CHECK(read8(at) == value && read8(at + PAGE - 1) == value, at);
}

static void inflate(bool upwards)
{
    for (unsigned i = 0; i < PAGES; i += PAGES_AT_ONCE) {
        for (unsigned k = 0; k < PAGES_AT_ONCE; k++)
            pfns[upwards ? k : PAGES_AT_ONCE - 1 - k] = (uint32_t)(PLACE / PAGE) + i + k;
        balloon_send(&balloon, INFLATE, pfns, sizeof(pfns), false);
    }
    write32(balloon.device + CONFIG_ACTUAL, PAGES);
}

static void deflate(void)
{
    for (unsigned i = 0; i < PAGES; i += PAGES_AT_ONCE) {
        for (unsigned k = 0; k < PAGES_AT_ONCE; k++)
            pfns[k] = (uint32_t)(PLACE / PAGE) + i + k;
        balloon_send(&balloon, DEFLATE, pfns, sizeof(pfns), false);
    }
    write32(balloon.device + CONFIG_ACTUAL, 0);
}

static void check_balloon(bool upwards)
{
    memset((void *)PLACE, 0x5a, LENGTH);
    CHECK(read32(balloon.device + CONFIG_PAGES) == PAGES, read32(balloon.device + CONFIG_PAGES));
    inflate(upwards);
    CHECK(read32(balloon.device + CONFIG_ACTUAL) == PAGES, read32(balloon.device + CONFIG_ACTUAL));
    deflate();
    check_place(0);
}

static void check_report(void)
{
    memset((void *)PLACE, 0x5a, LENGTH);
    for (uint16_t i = 0; i < 8; i++)
        ring_describe(REPORTING, i, PLACE + i * (uint64_t)LENGTH / 8, LENGTH / 8,
                      DESCRIPTOR_WRITE | (i < 7 ? DESCRIPTOR_NEXT : 0), (uint16_t)(i + 1));
    ring_offer(&balloon, REPORTING, 0);
    (void)ring_wait(&balloon, REPORTING);
    check_place(0);
}

/* Pages that are to keep what is in them. */
static void check_poison(void)
{
    balloon_start(&balloon, FEATURE_POISON | FEATURE_REPORTING);
    write32(balloon.device + CONFIG_POISON, 0x5a5a5a5a);
    memset((void *)PLACE, 0x5a, LENGTH);
    balloon_send(&balloon, REPORTING, (void *)PLACE, LENGTH, true);
    check_place(0x5a);
}

/* The buffer comes back each time the host wants to know. */
static void check_statistics(void)
{
    for (unsigned i = 0; i < 3; i++) {
        stats[0].tag = TAG_FREE;
        stats[0].value = 4242 * 1024;
        stats[1].tag = 0xffff;
        balloon_send(&balloon, STATISTICS, stats, sizeof(stats), false);
    }
}

void guest_main(void)
{
    CHECK(virtio_find_type(VIRTIO_TYPE_BALLOON, &balloon), 0);
    check_poison();
    balloon_start(&balloon, FEATURE_STATISTICS | FEATURE_REPORTING | FEATURE_POISON);
    check_balloon(true);
    check_balloon(false);
    check_report();
    check_statistics();
    print("the balloon is in order\n");
    power_off();
}
