/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What any vhost device is told, in the order in which the kernel wants it. */
#include "vmm/virtio/vhost.h"

#include <linux/vhost.h>
#include <sys/ioctl.h>

#include "vmm/kvm/memory.h"

static int set_memory_table(int fd, const struct guest_memory *memory)
{
    _Alignas(struct vhost_memory)
        uint8_t room[sizeof(struct vhost_memory) +
                     ELEMENTSOF(memory->regions) * sizeof(struct vhost_memory_region)] = {0};
    struct vhost_memory *table = (struct vhost_memory *)room;

    table->nregions = memory->n_regions;
    for (unsigned i = 0; i < memory->n_regions; i++)
        table->regions[i] = (struct vhost_memory_region){
            .guest_phys_addr = memory->regions[i].gpa,
            .memory_size = memory->regions[i].size,
            .userspace_addr = (uintptr_t)memory->base + memory->regions[i].offset,
        };
    return ioctl(fd, VHOST_SET_MEM_TABLE, table) < 0 ? -errno : 0;
}

int vhost_init(struct vhost *vhost, int fd, const struct guest_memory *memory)
{
    uint64_t features;

    if (ioctl(fd, VHOST_SET_OWNER, NULL) < 0 || ioctl(fd, VHOST_GET_FEATURES, &features) < 0)
        return -errno;
    int r = set_memory_table(fd, memory);
    if (r < 0)
        return r;
    *vhost = (struct vhost){.fd = fd, .features = features};
    return 0;
}

void vhost_done(struct vhost *vhost)
{
    vhost->fd = close_fd(vhost->fd);
}

int vhost_set_features(struct vhost *vhost, uint64_t accepted)
{
    uint64_t features = accepted & vhost->features;

    return ioctl(vhost->fd, VHOST_SET_FEATURES, &features) < 0 ? -errno : 0;
}

static int set_eventfd(struct vhost *vhost, unsigned long request, unsigned index, int fd)
{
    struct vhost_vring_file file = {.index = index, .fd = fd};

    return ioctl(vhost->fd, request, &file) < 0 ? -errno : 0;
}

int vhost_queue_set_call(struct vhost *vhost, unsigned index, int call)
{
    return set_eventfd(vhost, VHOST_SET_VRING_CALL, index, call < 0 ? VHOST_FILE_UNBIND : call);
}

int vhost_queue_start(struct vhost *vhost, unsigned index, const struct virtqueue *queue,
                      const struct vhost_eventfds *eventfds)
{
    struct vhost_vring_state size = {.index = index, .num = queue->state.size};
    struct vhost_vring_state base = {.index = index, .num = queue->state.last_available};
    struct vhost_vring_addr addresses = {
        .index = index,
        .desc_user_addr = (uintptr_t)queue->descriptors,
        .avail_user_addr = (uintptr_t)queue->available,
        .used_user_addr = (uintptr_t)queue->used,
        .log_guest_addr = queue->state.device_area,
    };

    if (ioctl(vhost->fd, VHOST_SET_VRING_NUM, &size) < 0 ||
        ioctl(vhost->fd, VHOST_SET_VRING_BASE, &base) < 0 ||
        ioctl(vhost->fd, VHOST_SET_VRING_ADDR, &addresses) < 0)
        return -errno;
    int r = set_eventfd(vhost, VHOST_SET_VRING_ERR, index, eventfds->error);
    if (r >= 0)
        r = vhost_queue_set_call(vhost, index, eventfds->call);
    if (r >= 0)
        r = set_eventfd(vhost, VHOST_SET_VRING_KICK, index, eventfds->kick);
    return r;
}

int vhost_queue_stop(struct vhost *vhost, unsigned index, struct virtqueue *queue)
{
    struct vhost_vring_state base = {.index = index};
    int r = 0;

    /* Without its kick the kernel does not look at the ring again. */
    r = set_eventfd(vhost, VHOST_SET_VRING_KICK, index, VHOST_FILE_UNBIND);
    if (r < 0)
        return r;
    if (ioctl(vhost->fd, VHOST_GET_VRING_BASE, &base) < 0)
        return -errno;
    queue->state.last_available = (uint16_t)base.num;
    /* Nothing is in flight: what was taken was given back. */
    queue->state.next_used = queue->state.last_available;
    return 0;
}
