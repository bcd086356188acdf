/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's side of vhost-vsock, as far as its rules go: what it is told is written down, and
 * refused where the kernel would.
 */
#pragma once

#include <linux/vhost.h>
#include <string.h>

#include "fake-kvm.h"
#include "vmm/virtio/vhost.h"

enum {
    FAKE_VSOCK_FD = 1000003,
    FAKE_VSOCK_LOG_MAX = 256,
};

struct fake_vsock_queue {
    unsigned size, base;
    struct vhost_vring_addr addresses;
    int kick, call, error;
};

struct fake_vsock {
    bool owned, running;
    uint64_t cid, offered, features;
    struct vhost_memory_region memory;
    struct fake_vsock_queue queues[2];
    unsigned long fail; /* this request, with EINVAL */
    bool taken;         /* the CID is another's */
    unsigned base_step; /* how far the kernel gets before it is stopped */
    unsigned n;
    unsigned long log[FAKE_VSOCK_LOG_MAX];
};

static struct fake_vsock fake_vsock;

static inline bool fake_vsock_in_memory(uint64_t address, uint64_t size)
{
    const struct vhost_memory_region *memory = &fake_vsock.memory;

    return address >= memory->userspace_addr &&
           address + size <= memory->userspace_addr + memory->memory_size;
}

static inline int fake_vsock_run(bool running)
{
    for (unsigned i = 0; running && i < 2; i++) {
        const struct fake_vsock_queue *queue = &fake_vsock.queues[i];
        uint64_t size = queue->size;

        if (size == 0 || (size & (size - 1)) != 0 ||
            !fake_vsock_in_memory(queue->addresses.desc_user_addr, 16 * size) ||
            !fake_vsock_in_memory(queue->addresses.avail_user_addr, 6 + 2 * size) ||
            !fake_vsock_in_memory(queue->addresses.used_user_addr, 6 + 8 * size))
            return -EFAULT;
    }
    fake_vsock.running = running;
    return 0;
}

static inline int fake_vsock_set_file(unsigned long request, const struct vhost_vring_file *file)
{
    struct fake_vsock_queue *queue = &fake_vsock.queues[file->index];
    int *fd = request == VHOST_SET_VRING_KICK   ? &queue->kick
              : request == VHOST_SET_VRING_CALL ? &queue->call
                                                : &queue->error;

    *fd = file->fd;
    return 0;
}

static inline int fake_vsock_set_state(unsigned long request, struct vhost_vring_state *state)
{
    struct fake_vsock_queue *queue = &fake_vsock.queues[state->index];

    if (request == VHOST_GET_VRING_BASE) {
        state->num = queue->base + fake_vsock.base_step;
        return 0;
    }
    if (fake_vsock.running)
        return -EBUSY;
    if (request == VHOST_SET_VRING_NUM)
        queue->size = state->num;
    else
        queue->base = state->num;
    return 0;
}

static inline int fake_vsock_ioctl(int fd _unused_, unsigned long request, void *argument)
{
    if (_IOC_TYPE(request) != VHOST_VIRTIO)
        return -ENOTTY;
    if (fake_vsock.n < FAKE_VSOCK_LOG_MAX)
        fake_vsock.log[fake_vsock.n++] = request;
    /* Stopping always works. */
    if (request == fake_vsock.fail &&
        (request != VHOST_VSOCK_SET_RUNNING || *(const int *)argument != 0))
        return -EINVAL;
    if (!fake_vsock.owned && request != VHOST_SET_OWNER && request != VHOST_GET_FEATURES &&
        request != VHOST_VSOCK_SET_GUEST_CID)
        return -EPERM;
    switch (request) {
    case VHOST_SET_OWNER:
        fake_vsock.owned = true;
        return 0;
    case VHOST_GET_FEATURES:
        *(uint64_t *)argument = fake_vsock.offered;
        return 0;
    case VHOST_SET_FEATURES:
        fake_vsock.features = *(const uint64_t *)argument;
        return fake_vsock.features & ~fake_vsock.offered ? -EOPNOTSUPP : 0;
    case VHOST_SET_MEM_TABLE:
        fake_vsock.memory = ((const struct vhost_memory *)argument)->regions[0];
        return 0;
    case VHOST_SET_VRING_ADDR:
        fake_vsock.queues[((const struct vhost_vring_addr *)argument)->index].addresses =
            *(const struct vhost_vring_addr *)argument;
        return 0;
    case VHOST_SET_VRING_NUM:
    case VHOST_SET_VRING_BASE:
    case VHOST_GET_VRING_BASE:
        return fake_vsock_set_state(request, argument);
    case VHOST_SET_VRING_KICK:
    case VHOST_SET_VRING_CALL:
    case VHOST_SET_VRING_ERR:
        return fake_vsock_set_file(request, argument);
    case VHOST_VSOCK_SET_GUEST_CID:
        fake_vsock.cid = *(const uint64_t *)argument;
        return fake_vsock.taken ? -EADDRINUSE : 0;
    case VHOST_VSOCK_SET_RUNNING:
        return fake_vsock_run(*(const int *)argument);
    default:
        return -EINVAL;
    }
}

/* A fresh one, as of Linux 6.1 without the feature bits of WITHOUT. */
static inline void fake_vsock_init(uint64_t without)
{
    fake_vsock = (struct fake_vsock){
        .offered = (UINT64_C(1) << 24 | UINT64_C(1) << 26 | UINT64_C(1) << 27 | UINT64_C(1) << 28 |
                    UINT64_C(1) << 29 | UINT64_C(1) << 32 | UINT64_C(1) << 33 | UINT64_C(1) << 1) &
                   ~without,
        .queues = {{.kick = -1, .call = -1, .error = -1}, {.kick = -1, .call = -1, .error = -1}},
    };
    fake_kvm = (struct fake_kvm){.other = fake_vsock_ioctl};
}

/* How often it was asked for. */
static inline unsigned fake_vsock_count(unsigned long request)
{
    unsigned count = 0;

    for (unsigned i = 0; i < fake_vsock.n; i++)
        count += fake_vsock.log[i] == request;
    return count;
}
