/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One virtqueue_pop(), from any state and any indices, while the driver rewrites all of its memory
 * between any two reads: the walk ends, and reads nothing but rings and tables; a head that the
 * device has is not taken again. What becomes of each descriptor is shown by chain-add.c.
 */
#define MODEL_MEMORY_SIZE 0x1000000
#include "virtqueue.h"

void model_stored(uint64_t offset, uint64_t size, uint64_t value)
{
    (void)offset, (void)size, (void)value;
    SHOW(false, "taking writes nothing");
}

static bool had(const uint64_t *taken, unsigned head)
{
    return taken[head / 64] >> head % 64 & 1;
}

int main(void)
{
    static struct virtqueue_chain chain;

    any_started_queue();
    struct virtqueue_state before = queue.state;
    uint16_t any = nondet_u16(); /* any head, which stands for all */
    ASSUME(any < VIRTQUEUE_SIZE_MAX);
    bool had_any = had(queue.taken, any);

    int r = virtqueue_pop(&queue, &chain);
    SHOW(r == 0 || r == 1 || r == -EPROTO, "there is a chain, none, or a broken ring");
    SHOW(queue.state.next_used == before.next_used && queue.state.size == before.size,
         "nothing else of the state changes");
    if (r != 1) {
        SHOW(queue.state.last_available == before.last_available, "what is not taken is left");
        SHOW(had(queue.taken, any) == had_any, "what is not taken is not marked");
        return 0;
    }
    SHOW(queue.state.last_available == (uint16_t)(before.last_available + 1),
         "one is taken, around the end, too");
    SHOW(chain.head < queue.state.size, "the head is one of the ring's");
    SHOW(chain.n_out + chain.n_in >= 1 && chain.n_out + chain.n_in <= VIRTQUEUE_CHAIN_MAX,
         "a chain has a buffer, and not too many");
    SHOW(any != chain.head || !had_any, "no head is taken twice");
    SHOW(any == chain.head || had(queue.taken, any) == had_any, "no other head is marked");
    SHOW(had(queue.taken, chain.head), "the head is marked");
    SHOW(queue.writable[chain.head] <= chain.in_bytes, "no more is lent than there is");
    return 0;
}
