/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The split ring. Each of the guest's words is read once, checked, and the copy used. */
#include "vmm/virtio/virtqueue.h"

#include <string.h>

#include "vmm/kvm/memory.h"

/* The event words stand behind the rings (2.7.6, 2.7.8). */
static uint16_t *used_event(struct virtqueue *queue)
{
    return &queue->available->ring[queue->state.size];
}

static uint16_t *available_event(struct virtqueue *queue)
{
    return (uint16_t *)&queue->used->ring[queue->state.size];
}

void virtqueue_reset(struct virtqueue *queue, const struct guest_memory *memory, uint16_t size_max)
{
    *queue = (struct virtqueue){.memory = memory, .state.size = size_max};
}

int virtqueue_start(struct virtqueue *queue, bool event_index)
{
    const struct virtqueue_state *s = &queue->state;

    if (s->size == 0 || s->size > VIRTQUEUE_SIZE_MAX || (s->size & (s->size - 1)) != 0)
        return -EINVAL;
    if (s->descriptor_area % 16 != 0 || s->driver_area % 2 != 0 || s->device_area % 4 != 0)
        return -EINVAL;
    queue->descriptors =
        guest_memory_at(queue->memory, s->descriptor_area, s->size * sizeof(struct vring_desc));
    queue->available = guest_memory_at(queue->memory, s->driver_area, 6 + 2 * (uint64_t)s->size);
    queue->used = guest_memory_at(queue->memory, s->device_area,
                                  6 + s->size * sizeof(struct vring_used_elem));
    if (!queue->descriptors || !queue->available || !queue->used)
        return -EFAULT;
    queue->event_index = event_index;
    queue->signalled_used = s->next_used;
    memset(queue->taken, 0, sizeof(queue->taken));
    memset(queue->writable, 0, sizeof(queue->writable));
    return 0;
}

/* A copy of the descriptor that the guest cannot change any more. */
static struct vring_desc copy_descriptor(const struct vring_desc *descriptor)
{
    struct vring_desc copy = {
        .addr = __atomic_load_n(&descriptor->addr, __ATOMIC_RELAXED),
        .len = __atomic_load_n(&descriptor->len, __ATOMIC_RELAXED),
        .flags = __atomic_load_n(&descriptor->flags, __ATOMIC_RELAXED),
        .next = __atomic_load_n(&descriptor->next, __ATOMIC_RELAXED),
    };

    return copy;
}

static int chain_add(struct virtqueue_chain *chain, const struct guest_memory *memory,
                     const struct vring_desc *descriptor)
{
    unsigned n = chain->n_out + chain->n_in;
    void *p = guest_memory_at(memory, descriptor->addr, descriptor->len);

    if (!p || descriptor->len == 0 || n == VIRTQUEUE_CHAIN_MAX)
        return -EPROTO;
    if (descriptor->flags & VRING_DESC_F_WRITE) {
        chain->n_in++;
        chain->in_bytes += descriptor->len;
    } else {
        if (chain->n_in > 0) /* what the device reads comes first (2.7.4.2) */
            return -EPROTO;
        chain->n_out++;
        chain->out_bytes += descriptor->len;
    }
    chain->iov[n] = (struct iovec){.iov_base = p, .iov_len = descriptor->len};
    return 0;
}

/* Enters an indirect table (2.7.5.3): its place in *RET_TABLE, its length in descriptors returned.
 */
static int indirect_table(const struct virtqueue *queue, const struct vring_desc *descriptor,
                          const struct vring_desc **ret_table)
{
    uint32_t n = descriptor->len / (uint32_t)sizeof(struct vring_desc);

    if ((descriptor->flags & VRING_DESC_F_NEXT) || n == 0 || n > VIRTQUEUE_CHAIN_MAX ||
        descriptor->len % sizeof(struct vring_desc) != 0)
        return -EPROTO;
    const struct vring_desc *table =
        guest_memory_at(queue->memory, descriptor->addr, descriptor->len);
    if (!table || (uintptr_t)table % _Alignof(struct vring_desc) != 0)
        return -EPROTO;
    *ret_table = table;
    return (int)n;
}

/* Walks from HEAD. A chain visits no more descriptors than its table has, so that a circle ends. */
static int chain_walk(struct virtqueue *queue, struct virtqueue_chain *chain)
{
    const struct vring_desc *table = queue->descriptors;
    unsigned size = queue->state.size, at = chain->head;
    bool indirect = false;

    for (unsigned steps = 0; steps < size; steps++) {
        struct vring_desc descriptor = copy_descriptor(&table[at]);

        if (descriptor.flags & VRING_DESC_F_INDIRECT) {
            int n = indirect ? -EPROTO : indirect_table(queue, &descriptor, &table);
            if (n < 0)
                return n;
            indirect = true;
            size = (unsigned)n;
            at = 0;
            steps = UINT32_MAX; /* the table's own walk starts at zero steps */
            continue;
        }
        int r = chain_add(chain, queue->memory, &descriptor);
        if (r < 0)
            return r;
        if (!(descriptor.flags & VRING_DESC_F_NEXT))
            return 0;
        at = descriptor.next;
        if (at >= size)
            return -EPROTO;
    }
    return -EPROTO;
}

static bool is_taken(const struct virtqueue *queue, uint16_t head)
{
    return queue->taken[head / 64] >> head % 64 & 1;
}

static void take(struct virtqueue *queue, const struct virtqueue_chain *chain)
{
    queue->taken[chain->head / 64] |= UINT64_C(1) << chain->head % 64;
    queue->writable[chain->head] =
        chain->in_bytes < UINT32_MAX ? (uint32_t)chain->in_bytes : UINT32_MAX;
}

int virtqueue_pop(struct virtqueue *queue, struct virtqueue_chain *ret)
{
    struct virtqueue_state *s = &queue->state;
    /* Acquire: pairs with the driver's write barrier between ring entries and index (2.7.13.3). */
    uint16_t index = __atomic_load_n(&queue->available->idx, __ATOMIC_ACQUIRE);
    uint16_t waiting = (uint16_t)(index - s->last_available);

    if (waiting == 0)
        return 0;
    if (waiting > s->size)
        return -EPROTO;
    ret->head =
        __atomic_load_n(&queue->available->ring[s->last_available % s->size], __ATOMIC_RELAXED);
    if (ret->head >= s->size || is_taken(queue, ret->head))
        return -EPROTO;
    ret->n_out = ret->n_in = 0;
    ret->out_bytes = ret->in_bytes = 0;
    int r = chain_walk(queue, ret);
    if (r < 0)
        return r;
    take(queue, ret);
    s->last_available++;
    return 1;
}

size_t virtqueue_chain_read(const struct virtqueue_chain *chain, uint64_t offset, void *ret,
                            size_t size)
{
    size_t done = 0;

    for (unsigned i = 0; i < chain->n_out && done < size; i++) {
        const struct iovec *iov = &chain->iov[i];

        if (offset >= iov->iov_len) {
            offset -= iov->iov_len;
            continue;
        }
        size_t there = iov->iov_len - offset, part = there < size - done ? there : size - done;
        memcpy((uint8_t *)ret + done, (const uint8_t *)iov->iov_base + offset, part);
        done += part;
        offset = 0;
    }
    return done;
}

void virtqueue_fill(struct virtqueue *queue, uint16_t head, uint32_t length)
{
    struct virtqueue_state *s = &queue->state;
    struct vring_used_elem *element = &queue->used->ring[s->next_used % s->size];

    if (length > queue->writable[head])
        length = queue->writable[head];
    queue->writable[head] = 0;
    queue->taken[head / 64] &= ~(UINT64_C(1) << head % 64);
    __atomic_store_n(&element->id, head, __ATOMIC_RELAXED);
    __atomic_store_n(&element->len, length, __ATOMIC_RELAXED);
    s->next_used++;
}

void virtqueue_flush(struct virtqueue *queue)
{
    /* Release: pairs with the driver's read barrier after it saw the index (2.7.14). */
    __atomic_store_n(&queue->used->idx, queue->state.next_used, __ATOMIC_RELEASE);
}

void virtqueue_push(struct virtqueue *queue, uint16_t head, uint32_t length)
{
    virtqueue_fill(queue, head, length);
    virtqueue_flush(queue);
}

bool virtqueue_must_signal(struct virtqueue *queue)
{
    uint16_t new = queue->state.next_used, old = queue->signalled_used;

    if (new == old)
        return false;
    queue->signalled_used = new;
    /* Full fence: the index must be out before the driver's wish is read; pairs with the driver's.
     */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (queue->event_index)
        return vring_need_event(__atomic_load_n(used_event(queue), __ATOMIC_RELAXED), new, old);
    return !(__atomic_load_n(&queue->available->flags, __ATOMIC_RELAXED) &
             VRING_AVAIL_F_NO_INTERRUPT);
}

bool virtqueue_enable_notification(struct virtqueue *queue)
{
    const struct virtqueue_state *s = &queue->state;

    if (queue->event_index)
        __atomic_store_n(available_event(queue), s->last_available, __ATOMIC_RELAXED);
    else
        __atomic_store_n(&queue->used->flags, 0, __ATOMIC_RELAXED);
    /* Full fence: the wish must be out before the index is read again; pairs with the driver's. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&queue->available->idx, __ATOMIC_RELAXED) != s->last_available;
}

void virtqueue_disable_notification(struct virtqueue *queue)
{
    /* With event indices, the old index does: the driver is silent until it is passed again. */
    if (!queue->event_index)
        __atomic_store_n(&queue->used->flags, VRING_USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
}
