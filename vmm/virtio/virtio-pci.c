/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The PCI function of a virtio device: capabilities, BAR, interrupts, notifications. */
#include "vmm/virtio/virtio-pci.h"

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vmm/kvm/ioeventfd.h"
#include "vmm/log.h"
#include "vmm/virtio/virtio-pci-common.h"

enum {
    PCI_VENDOR_VIRTIO = 0x1af4,
    PCI_DEVICE_VIRTIO_MODERN = 0x1040, /* plus the device type (4.1.2) */
    PCI_REVISION_MODERN = 1,
};

static struct virtio_pci *to_virtio_pci(struct pci_function *function)
{
    return container_of(function, struct virtio_pci, function);
}

/* There is no eventfd behind a vector that is not there. */
static void signal_if_open(int fd)
{
    if (fd >= 0)
        (void)eventfd_write(fd, 1);
}

/* 4.1.5.1.4 and 4.1.5.2: the ISR for drivers that poll, the vector for those that do not. */
static void signal_vector(struct virtio_pci *pci, const uint16_t *vector, uint8_t isr)
{
    pthread_mutex_lock(&pci->device->mutex);
    pci->device->state.isr |= isr;
    unsigned number = *vector;
    pthread_mutex_unlock(&pci->device->mutex);
    signal_if_open(msix_eventfd(&pci->msix, number));
}

/* Reading it clears it (4.1.4.5). */
static uint8_t take_isr(struct virtio_device *device)
{
    pthread_mutex_lock(&device->mutex);
    uint8_t isr = device->state.isr;
    device->state.isr = 0;
    pthread_mutex_unlock(&device->mutex);
    return isr;
}

static void signal_queue(void *context, unsigned queue)
{
    struct virtio_pci *pci = context;

    signal_vector(pci, &pci->device->state.queue_vector[queue], 1);
}

static void signal_config(void *context)
{
    struct virtio_pci *pci = context;

    signal_vector(pci, &pci->device->state.config_vector, 2);
}

static int queue_eventfd(void *context, unsigned queue)
{
    struct virtio_pci *pci = context;

    pthread_mutex_lock(&pci->device->mutex);
    unsigned vector = pci->device->state.queue_vector[queue];
    pthread_mutex_unlock(&pci->device->mutex);
    return msix_eventfd(&pci->msix, vector);
}

static void device_config_read(struct virtio_pci *pci, uint32_t offset, void *ret_data,
                               unsigned length)
{
    memset(ret_data, 0, length);
    if (offset + length > VIRTIO_CONFIG_MAX || !pci->device->type->read_config)
        return;
    pthread_mutex_lock(&pci->device->mutex);
    pci->device->type->read_config(pci->device, offset, ret_data, length);
    pthread_mutex_unlock(&pci->device->mutex);
}

static void device_config_write(struct virtio_pci *pci, uint32_t offset, const void *data,
                                unsigned length)
{
    if (offset + length > VIRTIO_CONFIG_MAX || !pci->device->type->write_config)
        return;
    pthread_mutex_lock(&pci->device->mutex);
    pci->device->type->write_config(pci->device, offset, data, length);
    pthread_mutex_unlock(&pci->device->mutex);
}

static void bar_read(struct pci_function *function, unsigned bar, uint64_t offset, void *ret_data,
                     unsigned length)
{
    struct virtio_pci *pci = to_virtio_pci(function);
    uint64_t part = offset & ~(uint64_t)(VIRTIO_PCI_PART_SIZE - 1);
    uint32_t at = (uint32_t)(offset - part);

    (void)bar;
    memset(ret_data, 0, length);
    switch (part) {
    case VIRTIO_PCI_PART_COMMON:
        virtio_pci_common_read(pci->device, at, ret_data, length);
        break;
    case VIRTIO_PCI_PART_ISR:
        if (at == 0)
            bus_put(ret_data, length, take_isr(pci->device));
        break;
    case VIRTIO_PCI_PART_DEVICE:
        device_config_read(pci, at, ret_data, length);
        break;
    case VIRTIO_PCI_PART_MSIX_TABLE:
        msix_table_read(&pci->msix, at, ret_data, length);
        break;
    case VIRTIO_PCI_PART_MSIX_PENDING:
        msix_pending_read(&pci->msix, at, ret_data, length);
        break;
    default:
        break;
    }
}

static void bar_write(struct pci_function *function, unsigned bar, uint64_t offset,
                      const void *data, unsigned length)
{
    struct virtio_pci *pci = to_virtio_pci(function);
    uint64_t part = offset & ~(uint64_t)(VIRTIO_PCI_PART_SIZE - 1);
    uint32_t at = (uint32_t)(offset - part);

    (void)bar;
    switch (part) {
    case VIRTIO_PCI_PART_COMMON:
        virtio_pci_common_write(pci->device, pci->msix.n_vectors, at, data, length);
        break;
    case VIRTIO_PCI_PART_NOTIFY: /* where the ioeventfd could not be had */
        if (at / VIRTIO_PCI_NOTIFY_MULTIPLIER < pci->device->n_queues)
            signal_if_open(pci->device->kick[at / VIRTIO_PCI_NOTIFY_MULTIPLIER]);
        break;
    case VIRTIO_PCI_PART_DEVICE:
        device_config_write(pci, at, data, length);
        break;
    case VIRTIO_PCI_PART_MSIX_TABLE:
        msix_table_write(&pci->msix, at, data, length);
        break;
    default:
        break;
    }
}

/* Moves the queues' ioeventfds to where the notification area now is. */
static void bar_mapped(struct pci_function *function, unsigned bar, uint64_t address)
{
    struct virtio_pci *pci = to_virtio_pci(function);
    uint64_t notify = address ? address + VIRTIO_PCI_PART_NOTIFY : 0;

    (void)bar;
    for (unsigned i = 0; i < pci->device->n_queues; i++) {
        uint64_t at = i * (uint64_t)VIRTIO_PCI_NOTIFY_MULTIPLIER;

        if (pci->notify_address)
            (void)ioeventfd_deassign(pci->vm, pci->notify_address + at, pci->device->kick[i]);
        if (notify) {
            int r = ioeventfd_assign(pci->vm, notify + at, pci->device->kick[i]);
            if (r < 0)
                log_debug("'%s': no ioeventfd for queue %u: %s", pci->device->id, i, strerror(-r));
        }
    }
    pci->notify_address = notify;
}

/*
 * The window into the BAR for software that cannot map it (4.1.4.9): the guest sets bar, offset and
 * length in the capability, and reads or writes four bytes behind it.
 */
static bool window_range(const struct virtio_pci *pci, uint32_t *ret_offset, uint32_t *ret_length)
{
    const uint8_t *capability = pci->function.config + pci->window_capability;
    uint8_t bar = capability[offsetof(struct virtio_pci_cap, bar)];
    uint32_t offset = (uint32_t)bus_get(capability + offsetof(struct virtio_pci_cap, offset), 4);
    uint32_t length = (uint32_t)bus_get(capability + offsetof(struct virtio_pci_cap, length), 4);

    if (bar != VIRTIO_PCI_BAR || (length != 1 && length != 2 && length != 4) ||
        offset % length != 0 || offset > VIRTIO_PCI_BAR_SIZE - length)
        return false;
    *ret_offset = offset;
    *ret_length = length;
    return true;
}

static bool touches(unsigned offset, unsigned length, unsigned at, unsigned size)
{
    return offset < at + size && at < offset + length;
}

static void config_read(struct pci_function *function, unsigned offset, unsigned length)
{
    struct virtio_pci *pci = to_virtio_pci(function);
    unsigned data = pci->window_capability + (unsigned)sizeof(struct virtio_pci_cap);
    uint32_t at, n;

    if (touches(offset, length, data, 4) && window_range(pci, &at, &n))
        bar_read(function, VIRTIO_PCI_BAR, at, function->config + data, n);
}

static void config_written(struct pci_function *function, unsigned offset, unsigned length)
{
    struct virtio_pci *pci = to_virtio_pci(function);
    unsigned data = pci->window_capability + (unsigned)sizeof(struct virtio_pci_cap);
    unsigned control = pci->msix_capability + PCI_MSIX_FLAGS;
    uint32_t at, n;

    if (touches(offset, length, control, 2))
        msix_set_control(&pci->msix, (uint16_t)bus_get(function->config + control, 2));
    if (touches(offset, length, data, 4) && window_range(pci, &at, &n))
        bar_write(function, VIRTIO_PCI_BAR, at, function->config + data, n);
}

/* 4.1.4: where in the BAR the parts are. */
static int add_capabilities(struct virtio_pci *pci)
{
    const struct {
        uint8_t type;
        uint32_t offset, length;
    } parts[] = {
        {VIRTIO_PCI_CAP_COMMON_CFG, VIRTIO_PCI_PART_COMMON, sizeof(struct virtio_pci_common_cfg)},
        {VIRTIO_PCI_CAP_ISR_CFG, VIRTIO_PCI_PART_ISR, 1},
        {VIRTIO_PCI_CAP_DEVICE_CFG, VIRTIO_PCI_PART_DEVICE, VIRTIO_CONFIG_MAX},
        {VIRTIO_PCI_CAP_NOTIFY_CFG, VIRTIO_PCI_PART_NOTIFY,
         VIRTIO_PCI_NOTIFY_MULTIPLIER * VIRTIO_QUEUES_MAX},
        {VIRTIO_PCI_CAP_PCI_CFG, 0, 0},
    };

    for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
        /* Two kinds have four more bytes: the notification multiplier, and the window's data. */
        struct virtio_pci_notify_cap capability = {
            .cap =
                {
                    .cap_vndr = PCI_CAP_ID_VNDR,
                    .cap_len = sizeof(struct virtio_pci_cap),
                    .cfg_type = parts[i].type,
                    .bar = VIRTIO_PCI_BAR,
                    .offset = parts[i].offset,
                    .length = parts[i].length,
                },
        };
        bool notify = parts[i].type == VIRTIO_PCI_CAP_NOTIFY_CFG;
        bool window = parts[i].type == VIRTIO_PCI_CAP_PCI_CFG;

        if (notify)
            capability.notify_off_multiplier = VIRTIO_PCI_NOTIFY_MULTIPLIER;
        if (notify || window)
            capability.cap.cap_len = sizeof(capability);
        int at = pci_function_add_capability(&pci->function, PCI_CAP_ID_VNDR, &capability,
                                             capability.cap.cap_len);
        if (at < 0)
            return at;
        if (!window)
            continue;
        pci->window_capability = (unsigned)at;
        pci->function.writable[at + (int)offsetof(struct virtio_pci_cap, bar)] = 0xff;
        memset(pci->function.writable + at + offsetof(struct virtio_pci_cap, offset), 0xff, 12);
    }
    return 0;
}

int virtio_pci_init(struct virtio_pci *pci, struct virtio_device *device, const struct vm *vm,
                    struct irq_router *router)
{
    static const struct pci_ops ops = {
        .bar_read = bar_read,
        .bar_write = bar_write,
        .bar_mapped = bar_mapped,
        .config_read = config_read,
        .config_written = config_written,
    };

    memset(pci, 0, sizeof(*pci));
    pci->device = device;
    pci->vm = vm;
    pci_function_init(&pci->function, PCI_VENDOR_VIRTIO,
                      (uint16_t)(PCI_DEVICE_VIRTIO_MODERN + device->type->id),
                      (uint16_t)(PCI_DEVICE_VIRTIO_MODERN + device->type->id),
                      device->type->pci_class, PCI_REVISION_MODERN, &ops);
    pci_function_set_bar(&pci->function, VIRTIO_PCI_BAR, VIRTIO_PCI_BAR_SIZE);
    int r = add_capabilities(pci);
    if (r < 0)
        return r;
    r = msix_init(&pci->msix, device->n_queues + 1, router);
    if (r < 0)
        return r;
    r = msix_add_capability(&pci->msix, &pci->function, VIRTIO_PCI_BAR, VIRTIO_PCI_PART_MSIX_TABLE,
                            VIRTIO_PCI_PART_MSIX_PENDING);
    if (r < 0)
        return r;
    pci->msix_capability = (unsigned)r;
    device->transport = (struct virtio_transport){
        .signal_queue = signal_queue,
        .signal_config = signal_config,
        .queue_eventfd = queue_eventfd,
        .context = pci,
    };
    return 0;
}

void virtio_pci_done(struct virtio_pci *pci)
{
    if (!pci->device)
        return;
    msix_done(&pci->msix);
    pci->device = NULL;
}
