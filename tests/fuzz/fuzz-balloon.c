/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A balloon whose driver offers anything: a page is what it was, or zeros where the driver named
 * it; nothing else is written but used rings. */
#include "tests/fuzz/input.h"
#include "tests/fuzz/small-device.h"
#include "vmm/devices/balloon-device.h"

enum {
    ROUNDS_MAX = 16,
    PAGE = 4096,
    MARKED = 64 * PAGE, /* memory that only the balloon has to do with */
};

static struct small_device *world;

/* Where that memory is: what reports are of, most often. */
static uint64_t mark_of(unsigned queue)
{
    return queue >= BALLOON_REPORTING ? small_base(queue) + 0x10000 : 0xa00000;
}

static bool is_zero(const uint8_t *p)
{
    return p[0] == 0 && memcmp(p, p + 1, PAGE - 1) == 0;
}

/* Whether the driver's buffers of this round name PAGE at all. */
static bool is_named(unsigned queue, uint64_t gpa, const uint32_t *pfns, size_t n)
{
    if (queue == BALLOON_INFLATE) {
        for (size_t i = 0; i < n; i++)
            if ((uint64_t)pfns[i] * PAGE == gpa)
                return true;
        return false;
    }
    for (unsigned i = 0; i < SMALL_DESCRIPTORS; i++) {
        const struct vring_desc *descriptor = &world->queues[queue].descriptors[i];

        if (descriptor->addr <= gpa && gpa + PAGE - descriptor->addr <= descriptor->len)
            return true;
        if (descriptor->flags & VRING_DESC_F_INDIRECT)
            return true; /* not followed here */
    }
    return false;
}

static void check(unsigned queue, const uint8_t *before, const uint32_t *pfns, size_t n)
{
    uint64_t mark = mark_of(queue);

    for (uint64_t gpa = mark; gpa < mark + MARKED; gpa += PAGE) {
        const uint8_t *page = world->memory.base + gpa;

        if (memcmp(before + (gpa - mark), page, PAGE) == 0)
            continue;
        MUST(queue != BALLOON_DEFLATE && queue != BALLOON_STATISTICS);
        MUST(is_zero(page) && is_named(queue, gpa, pfns, n));
    }
}

/* One list of page numbers, cut in two, or whatever the input makes. */
static size_t list(struct input *input, uint32_t *pfns, size_t max)
{
    struct driver *driver = &world->queues[BALLOON_INFLATE];
    uint64_t place = small_base(BALLOON_INFLATE) + 0x10000;
    size_t n = input_8(input) % max;
    uint32_t cut = input_8(input);

    for (size_t i = 0; i < n; i++)
        pfns[i] = input_8(input) & 1
                      ? input_32(input)
                      : (uint32_t)(mark_of(BALLOON_INFLATE) / PAGE) + input_8(input) % 64u;
    (void)guest_memory_write(&world->memory, place, pfns, n * sizeof(*pfns));
    if (cut > 0 && cut < n * 4) {
        driver_describe(driver, 0, place, cut, VRING_DESC_F_NEXT, 1);
        driver_describe(driver, 1, place + cut, (uint32_t)(n * 4 - cut), 0, 0);
    } else {
        driver_describe(driver, 0, place, (uint32_t)(n * 4), 0, 0);
    }
    driver_offer(driver, 0);
    return n;
}

static void round_of(struct input *input, uint8_t *before)
{
    unsigned queue = input_8(input) % BALLOON_QUEUES;
    uint32_t pfns[64];
    uint32_t value = input_32(input);
    size_t n = 0;

    if (queue == BALLOON_INFLATE)
        n = list(input, pfns, ELEMENTSOF(pfns));
    else
        small_device_describe(world, queue, input);
    world->device->type->write_config(world->device, value % 24, &value, 1u << value % 3);
    memset(world->memory.base + mark_of(queue), 0x5a, MARKED);
    memcpy(before, world->memory.base + mark_of(queue), MARKED);
    small_device_kick(world, queue);
    check(queue, before, pfns, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t before[MARKED];
    struct input input = {data, size};

    if (!world)
        world = small_device_new(balloon_create, "b,size=4");
    small_device_start(world, 0x1f, input_8(&input));
    for (unsigned i = 0; i < ROUNDS_MAX && input.size > 0 && world->device->running; i++)
        round_of(&input, before);
    small_device_stop(world);
    return 0;
}
