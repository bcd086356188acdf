/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A virtqueue in any state that virtqueue_start() lets it come to, in any guest memory. */
#pragma once

#include "model.h"

#include <linux/virtio_ring.h>
#include <string.h>

#define __atomic_load_n(p, order)         MODEL_LOAD(p)
#define __atomic_store_n(p, value, order) MODEL_STORE(p, value)
#define __atomic_thread_fence(order)      ((void)0)
#include "vmm/virtio/virtqueue.c"
#undef __atomic_load_n
#undef __atomic_store_n
#undef __atomic_thread_fence

uint8_t *model_ram;
uint64_t model_ram_size;

static struct guest_memory memory;
static struct virtqueue queue;

static void any_memory(void)
{
#ifdef MODEL_MEMORY_SIZE /* one is as good as the other where no address is looked at */
    model_ram_size = MODEL_MEMORY_SIZE;
#else
    model_ram_size = nondet_u64();
    ASSUME(model_ram_size >= GUEST_MEMORY_MIN && model_ram_size <= GUEST_MEMORY_MAX);
#endif
    model_ram = malloc(model_ram_size);
    memory.base = model_ram;
    memory.size = model_ram_size;
}

/*
 * The accessor by its contract, which memory-at.c shows: NULL, or RAM to the last byte, wherever.
 * Nothing here goes by what the address is, so that any layout of memory is meant.
 */
void *guest_memory_at(const struct guest_memory *of, uint64_t gpa, uint64_t length)
{
    uint64_t offset = nondet_u64();

    (void)of;
    if (nondet_bool() || length > model_ram_size || offset > model_ram_size - length)
        return NULL;
    ASSUME(offset % 16 == gpa % 16);
    return model_ram + offset;
}

/* What a driver can have written to the registers. */
static void any_queue(void)
{
    any_memory();
    virtqueue_reset(&queue, &memory, VIRTQUEUE_SIZE_MAX);
    queue.state.size = nondet_u16();
    queue.state.descriptor_area = nondet_u64();
    queue.state.driver_area = nondet_u64();
    queue.state.device_area = nondet_u64();
    queue.state.last_available = nondet_u16();
    queue.state.next_used = nondet_u16();
}

/* Where a part of SIZE bytes may be. */
static void *any_part(uint64_t size, uint64_t alignment)
{
    uint64_t offset = nondet_u64();

    ASSUME(offset % alignment == 0 && offset <= model_ram_size && size <= model_ram_size - offset);
    return model_ram + offset;
}

/* One that runs, as queue-start.c shows it to be; some of its heads are with the device. */
static void any_started_queue(void)
{
    any_memory();
    queue.memory = &memory;
    queue.event_index = nondet_bool();
    queue.state.size = nondet_u16();
    queue.state.last_available = nondet_u16();
    queue.state.next_used = nondet_u16();
    queue.signalled_used = nondet_u16();
    uint64_t size = queue.state.size;
    ASSUME(size >= 1 && size <= VIRTQUEUE_SIZE_MAX && (size & (size - 1)) == 0);
    queue.descriptors = any_part(16 * size, 16);
    queue.available = any_part(6 + 2 * size, 2);
    queue.used = any_part(6 + 8 * size, 4);
    for (unsigned i = 0; i < ELEMENTSOF(queue.taken); i++)
        queue.taken[i] = nondet_u64();
    for (unsigned i = 0; i < VIRTQUEUE_SIZE_MAX; i++)
        queue.writable[i] = nondet_u32();
}
