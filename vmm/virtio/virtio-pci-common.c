/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The common configuration structure, read as a snapshot and written field by field. */
#include "vmm/virtio/virtio-pci-common.h"

#include <linux/virtio_pci.h>
#include <string.h>

#include "vmm/bus/bus.h"

static uint32_t half_of(uint64_t features, uint32_t select)
{
    return select > 1 ? 0 : (uint32_t)(features >> (32 * select));
}

static struct virtio_pci_common_cfg snapshot(const struct virtio_device *device)
{
    const struct virtio_device_state *s = &device->state;
    struct virtio_pci_common_cfg common = {
        .device_feature_select = s->offered_select,
        .device_feature = half_of(s->offered, s->offered_select),
        .guest_feature_select = s->accepted_select,
        .guest_feature = half_of(s->accepted, s->accepted_select),
        .msix_config = s->config_vector,
        .num_queues = (uint16_t)device->n_queues,
        .device_status = virtio_device_get_status(device),
        .config_generation = s->config_generation,
        .queue_select = s->queue_select,
    };

    if (s->queue_select >= device->n_queues) {
        common.queue_msix_vector = VIRTIO_NO_VECTOR;
        return common; /* size 0: there is no such queue */
    }
    const struct virtqueue_state *queue = &device->queues[s->queue_select].state;
    common.queue_size = queue->size;
    common.queue_msix_vector = s->queue_vector[s->queue_select];
    common.queue_enable = queue->enabled;
    common.queue_notify_off = s->queue_select;
    common.queue_desc_lo = (uint32_t)queue->descriptor_area;
    common.queue_desc_hi = (uint32_t)(queue->descriptor_area >> 32);
    common.queue_avail_lo = (uint32_t)queue->driver_area;
    common.queue_avail_hi = (uint32_t)(queue->driver_area >> 32);
    common.queue_used_lo = (uint32_t)queue->device_area;
    common.queue_used_hi = (uint32_t)(queue->device_area >> 32);
    return common;
}

void virtio_pci_common_read(struct virtio_device *device, uint32_t offset, void *ret_data,
                            unsigned length)
{
    memset(ret_data, 0, length);
    if (offset >= sizeof(struct virtio_pci_common_cfg) ||
        length > sizeof(struct virtio_pci_common_cfg) - offset)
        return;
    pthread_mutex_lock(&device->mutex);
    struct virtio_pci_common_cfg common = snapshot(device);
    pthread_mutex_unlock(&device->mutex);
    memcpy(ret_data, (const uint8_t *)&common + offset, length);
}

static uint16_t valid_vector(unsigned n_vectors, uint64_t value)
{
    return value < n_vectors ? (uint16_t)value : VIRTIO_NO_VECTOR;
}

static void set_queue_size(struct virtio_device *device, struct virtqueue *queue, uint64_t size)
{
    if (size > 0 && size <= device->queue_size_max && (size & (size - 1)) == 0)
        queue->state.size = (uint16_t)size;
}

/* One half, or the whole, of a 64-bit address. */
static void set_address(uint64_t *address, bool high, const void *data, unsigned length)
{
    uint64_t value = bus_get(data, length);

    if (length == 8)
        *address = value;
    else if (high)
        *address = (*address & 0xffffffff) | value << 32;
    else
        *address = (*address & ~UINT64_C(0xffffffff)) | value;
}

static void write_queue_register(struct virtio_device *device, struct virtqueue *queue,
                                 uint32_t offset, const void *data, unsigned length)
{
    struct virtqueue_state *s = &queue->state;

    switch (offset) {
    case VIRTIO_PCI_COMMON_Q_SIZE:
        if (length == 2)
            set_queue_size(device, queue, bus_get(data, length));
        break;
    case VIRTIO_PCI_COMMON_Q_DESCLO:
    case VIRTIO_PCI_COMMON_Q_DESCHI:
        set_address(&s->descriptor_area, offset == VIRTIO_PCI_COMMON_Q_DESCHI, data, length);
        break;
    case VIRTIO_PCI_COMMON_Q_AVAILLO:
    case VIRTIO_PCI_COMMON_Q_AVAILHI:
        set_address(&s->driver_area, offset == VIRTIO_PCI_COMMON_Q_AVAILHI, data, length);
        break;
    case VIRTIO_PCI_COMMON_Q_USEDLO:
    case VIRTIO_PCI_COMMON_Q_USEDHI:
        set_address(&s->device_area, offset == VIRTIO_PCI_COMMON_Q_USEDHI, data, length);
        break;
    default:
        break;
    }
}

static void write_register(struct virtio_device *device, unsigned n_vectors, uint32_t offset,
                           const void *data, unsigned length)
{
    struct virtio_device_state *s = &device->state;
    uint64_t value = bus_get(data, length);
    uint16_t queue = s->queue_select;

    switch (offset) {
    case VIRTIO_PCI_COMMON_DFSELECT:
        s->offered_select = (uint32_t)value;
        break;
    case VIRTIO_PCI_COMMON_GFSELECT:
        s->accepted_select = (uint32_t)value;
        break;
    case VIRTIO_PCI_COMMON_GF:
        virtio_device_set_accepted(device, s->accepted_select, (uint32_t)value);
        break;
    case VIRTIO_PCI_COMMON_MSIX:
        s->config_vector = valid_vector(n_vectors, value);
        break;
    case VIRTIO_PCI_COMMON_STATUS:
        virtio_device_set_status(device, (uint8_t)value);
        break;
    case VIRTIO_PCI_COMMON_Q_SELECT:
        s->queue_select = (uint16_t)value;
        break;
    case VIRTIO_PCI_COMMON_Q_MSIX:
        virtio_device_set_vector(device, queue, valid_vector(n_vectors, value));
        break;
    case VIRTIO_PCI_COMMON_Q_ENABLE:
        if (value == 1)
            virtio_device_enable_queue(device, queue);
        break;
    default:
        if (virtio_device_queue_writable(device, queue))
            write_queue_register(device, &device->queues[queue], offset, data, length);
        break;
    }
}

/* The width that the driver must use for the field at OFFSET (4.1.3.1); 64-bit ones in halves too.
 */
static bool width_allowed(uint32_t offset, unsigned length)
{
    switch (offset) {
    case VIRTIO_PCI_COMMON_STATUS:
        return length == 1;
    case VIRTIO_PCI_COMMON_MSIX:
    case VIRTIO_PCI_COMMON_Q_SELECT:
    case VIRTIO_PCI_COMMON_Q_SIZE:
    case VIRTIO_PCI_COMMON_Q_MSIX:
    case VIRTIO_PCI_COMMON_Q_ENABLE:
        return length == 2;
    case VIRTIO_PCI_COMMON_Q_DESCLO:
    case VIRTIO_PCI_COMMON_Q_AVAILLO:
    case VIRTIO_PCI_COMMON_Q_USEDLO:
        return length == 4 || length == 8;
    default:
        return length == 4;
    }
}

void virtio_pci_common_write(struct virtio_device *device, unsigned n_vectors, uint32_t offset,
                             const void *data, unsigned length)
{
    if (!width_allowed(offset, length))
        return;
    pthread_mutex_lock(&device->mutex);
    if (!device->state.reset_pending)
        write_register(device, n_vectors, offset, data, length);
    pthread_mutex_unlock(&device->mutex);
}
