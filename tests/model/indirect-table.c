/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table that any descriptor leads to, at the true sizes: RAM to its last entry, aligned, no
 * longer than a chain may be. */
#include "virtqueue.h"

void model_stored(uint64_t offset, uint64_t size, uint64_t value)
{
    (void)offset, (void)size, (void)value;
    SHOW(false, "nothing is written");
}

int main(void)
{
    struct vring_desc descriptor = {nondet_u64(), nondet_u32(), nondet_u16(), nondet_u16()};
    const struct vring_desc *table = NULL;

    any_memory();
    virtqueue_reset(&queue, &memory, VIRTQUEUE_SIZE_MAX);
    int n = indirect_table(&queue, &descriptor, &table);
    if (n < 0) {
        SHOW(n == -EPROTO && !table, "else the ring is broken");
        return 0;
    }
    SHOW(n >= 1 && n <= VIRTQUEUE_CHAIN_MAX, "a table has an entry, and not too many");
    SHOW(model_in_ram(table, (uint64_t)n * sizeof(*table)), "all of its entries are RAM");
    SHOW(__CPROVER_POINTER_OFFSET(table) % _Alignof(struct vring_desc) == 0, "it is aligned");
    SHOW(!(descriptor.flags & VRING_DESC_F_NEXT), "nothing follows it");
    return 0;
}
