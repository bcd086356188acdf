/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Interrupts and notifications, from any indices: the event words are where they belong; the driver
 * is told just when its wish lies in what was pushed since the last time, modulo 65536; nothing
 * that came meanwhile is overlooked.
 */
#include "virtqueue.h"

static unsigned stores;

void model_stored(uint64_t offset, uint64_t size, uint64_t value)
{
    uint64_t at = offset - __CPROVER_POINTER_OFFSET(queue.used);

    SHOW(size == 2, "a word is written");
    if (queue.event_index)
        SHOW(at == 4 + 8 * (uint64_t)queue.state.size && value == queue.state.last_available,
             "the available event is the last word, and says what was seen");
    else
        SHOW(at == 0 && value <= VRING_USED_F_NO_NOTIFY, "the flags are the first word");
    stores++;
}

/* By counting, one after the other: what vring_need_event() computes in one go. */
static bool lies_between(uint16_t event, uint16_t old, uint16_t new)
{
    uint16_t steps = (uint16_t)(new - old), at = (uint16_t)(event - old);

    return at < steps;
}

int main(void)
{
    any_started_queue();
    uint16_t old = queue.signalled_used, new = queue.state.next_used, event = nondet_u16();

    SHOW(vring_need_event(event, new, old) == lies_between(event, old, new),
         "the event arithmetic is right for all indices");
    bool must = virtqueue_must_signal(&queue);
    SHOW(!must || new != old, "without anything new there is no interrupt");
    SHOW(new == old || queue.signalled_used == new, "what was decided is decided");
    SHOW(!virtqueue_must_signal(&queue), "an interrupt comes once");
    (void)virtqueue_enable_notification(&queue);
    SHOW(stores == 1, "the wish is written");
    virtqueue_disable_notification(&queue);
    SHOW(stores == (queue.event_index ? 1u : 2u), "with event indices the old wish does");
    return 0;
}
