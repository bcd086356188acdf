/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whatever the driver wrote to a queue's registers: where the queue starts, its three parts are RAM
 * to their last byte, aligned, and of a size that indices can be taken modulo of. */
#include "virtqueue.h"

void model_stored(uint64_t offset, uint64_t size, uint64_t value)
{
    (void)offset, (void)size, (void)value;
    SHOW(false, "nothing is written at the start");
}

int main(void)
{
    any_queue();
    uint64_t size = queue.state.size;

    int r = virtqueue_start(&queue, nondet_bool());
    if (r < 0) {
        SHOW(r == -EINVAL || r == -EFAULT, "a refusal is one of two");
        return 0;
    }
    SHOW(size >= 1 && size <= VIRTQUEUE_SIZE_MAX && (size & (size - 1)) == 0,
         "the size is a power of two, and not too large");
    SHOW(model_in_ram(queue.descriptors, 16 * size), "all descriptors are RAM");
    SHOW(model_in_ram(queue.available, 6 + 2 * size), "the available ring is RAM");
    SHOW(model_in_ram(queue.used, 6 + 8 * size), "the used ring is RAM");
    SHOW((const uint8_t *)used_event(&queue) + 2 == (const uint8_t *)queue.available + 6 + 2 * size,
         "the event word is the available ring's last");
    SHOW((const uint8_t *)available_event(&queue) + 2 == (const uint8_t *)queue.used + 6 + 8 * size,
         "the event word is the used ring's last");
    SHOW(queue.state.descriptor_area % 16 == 0 && queue.state.driver_area % 2 == 0 &&
             queue.state.device_area % 4 == 0,
         "the parts are aligned");
    return 0;
}
