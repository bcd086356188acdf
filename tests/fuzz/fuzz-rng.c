/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An entropy source whose driver offers anything: nothing is written but what is the device's to
 * write, and no more than an answer has. */
#include "tests/fuzz/input.h"
#include "tests/fuzz/small-device.h"
#include "vmm/devices/rng.h"

enum { ROUNDS_MAX = 16 };

static struct small_device *world;

/* The real clock would have us wait for the rate. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock _unused_, struct timespec *ret)
{
    static time_t seconds;

    *ret = (struct timespec){.tv_sec = ++seconds};
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t before[SMALL_WATCHED];
    struct input input = {data, size};

    if (!world)
        world = small_device_new(rng_create, "rng");
    small_device_start(world, 1, input_8(&input) & 1 ? 0 : UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX);
    for (unsigned i = 0; i < ROUNDS_MAX && input.size > 0; i++) {
        small_device_describe(world, 0, &input);
        memcpy(before, world->memory.base + small_base(0), SMALL_WATCHED);
        small_device_kick(world, 0);
        MUST(small_device_wrote_only_what_it_may(world, 0, before));
        for (uint16_t k = 0; k < world->queues[0].used->idx && k < world->device->queue_size_max;
             k++)
            MUST(world->queues[0].used->ring[k].len <= RNG_REQUEST_MAX);
    }
    small_device_stop(world);
    return 0;
}
