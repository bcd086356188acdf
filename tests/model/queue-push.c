/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the device does with a chain that it has, from any indices: all that is written lies in the
 * used ring; a length is never above what the driver lent; the head is free after it, once.
 */
#include "virtqueue.h"

static uint64_t limit;
static unsigned lengths, indices;

void model_stored(uint64_t offset, uint64_t size, uint64_t value)
{
    uint64_t ring = __CPROVER_POINTER_OFFSET(queue.used);
    uint64_t at = offset - ring;

    SHOW(offset >= ring && at < 6 + 8 * (uint64_t)queue.state.size &&
             size <= 6 + 8 * (uint64_t)queue.state.size - at,
         "what is written lies in the used ring");
    if (size == 4 && at % 8 == 4) /* an element's id */
        SHOW(value < queue.state.size, "the id is one of the ring's");
    if (size == 4 && at % 8 == 0) {
        SHOW(value <= limit, "the length is not above what was lent");
        lengths++;
    }
    indices += size == 2 && at == 2;
}

int main(void)
{
    any_started_queue();
    uint16_t head = nondet_u16(), next = queue.state.next_used;
    ASSUME(head < queue.state.size);
    limit = queue.writable[head];

    virtqueue_push(&queue, head, nondet_u32());
    SHOW(lengths == 1 && indices == 1, "one element and one index are written");
    SHOW(queue.state.next_used == (uint16_t)(next + 1), "the index goes on, around the end, too");
    SHOW(!is_taken(&queue, head) && queue.writable[head] == 0, "the head is free");
    limit = 0; /* it is not the device's any more */
    virtqueue_push(&queue, head, nondet_u32());
    return 0;
}
