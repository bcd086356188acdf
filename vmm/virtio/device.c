/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Status machine, features and reset. vCPU threads write registers; the device thread starts and
 * stops. */
#include "vmm/virtio/device.h"

#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vmm/log.h"

enum {
    REQUEST_START = 1 << 0,
    REQUEST_RESET = 1 << 1,
    REQUEST_FAULT = 1 << 2,
    REQUEST_VECTORS = 1 << 3,
};

static void forget(struct virtio_device *device)
{
    uint64_t offered = device->state.offered;

    device->state = (struct virtio_device_state){
        .offered = offered,
        .config_vector = VIRTIO_NO_VECTOR,
        .config_generation = device->state.config_generation,
    };
    for (unsigned i = 0; i < device->n_queues; i++) {
        device->state.queue_vector[i] = VIRTIO_NO_VECTOR;
        virtqueue_reset(&device->queues[i], device->memory, device->queue_size_max);
    }
}

static void device_stop(struct virtio_device *device)
{
    if (device->running)
        device->type->stop(device);
    device->running = false;
}

void virtio_device_fault(struct virtio_device *device, const char *what)
{
    if (!device->fault_reported)
        log_warning(
            "The guest's driver of '%s' broke the protocol: %s; the device waits for a reset",
            device->id, what);
    device->fault_reported = true;
    device_stop(device);
    pthread_mutex_lock(&device->mutex);
    bool tell = !device->state.reset_pending && (device->state.status & VIRTIO_CONFIG_S_DRIVER_OK);
    device->state.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
    pthread_mutex_unlock(&device->mutex);
    if (tell)
        device->transport.signal_config(device->transport.context);
}

void virtio_device_report_fault(struct virtio_device *device, const char *what)
{
    const char *none = NULL;

    (void)atomic_compare_exchange_strong(&device->fault, &none, what);
    worker_request(&device->worker, REQUEST_FAULT);
}

void virtio_device_config_changed(struct virtio_device *device)
{
    pthread_mutex_lock(&device->mutex);
    device->state.config_generation++;
    bool tell = !device->state.reset_pending && (device->state.status & VIRTIO_CONFIG_S_DRIVER_OK);
    pthread_mutex_unlock(&device->mutex);
    if (tell)
        device->transport.signal_config(device->transport.context);
}

void virtio_device_tell(struct virtio_device *device, const char *format, ...)
{
    char text[VIRTIO_NEWS_SIZE];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    pthread_mutex_lock(&device->mutex);
    bool changed = strcmp(device->news, text) != 0;
    memcpy(device->news, text, sizeof(text));
    pthread_mutex_unlock(&device->mutex);
    if (changed && device->news_eventfd >= 0)
        (void)eventfd_write(device->news_eventfd, 1);
}

static void device_start(struct virtio_device *device)
{
    pthread_mutex_lock(&device->mutex);
    bool wanted = !device->running && !device->state.reset_pending &&
                  (device->state.status & VIRTIO_CONFIG_S_DRIVER_OK) &&
                  !(device->state.status & VIRTIO_CONFIG_S_NEEDS_RESET);
    bool event_index = virtio_device_has(device, VIRTIO_RING_F_EVENT_IDX);
    int r = 0;
    for (unsigned i = 0; wanted && i < device->n_queues && r >= 0; i++)
        if (device->queues[i].state.enabled)
            r = virtqueue_start(&device->queues[i], event_index);
    pthread_mutex_unlock(&device->mutex);
    if (!wanted)
        return;
    if (r < 0) {
        virtio_device_fault(device, "a queue lies outside of memory or has a bad size");
        return;
    }
    r = device->type->start(device);
    if (r < 0) {
        virtio_device_fault(device, "the queues are not those that this device needs");
        return;
    }
    device->running = true;
}

static void device_reset(struct virtio_device *device)
{
    device_stop(device);
    atomic_store(&device->fault, NULL); /* of the life that ends here */
    pthread_mutex_lock(&device->mutex);
    forget(device);
    pthread_mutex_unlock(&device->mutex);
}

static void on_requests(void *context, unsigned requests)
{
    struct virtio_device *device = context;

    /* Both at once can only mean that the start was overtaken: after a reset a driver waits for it.
     */
    if (requests & REQUEST_RESET)
        device_reset(device);
    else if (requests & REQUEST_START)
        device_start(device);
    if ((requests & REQUEST_VECTORS) && device->running && device->type->vectors_changed)
        device->type->vectors_changed(device);
    const char *fault = (requests & REQUEST_FAULT) ? atomic_exchange(&device->fault, NULL) : NULL;
    if (fault && device->running)
        virtio_device_fault(device, fault);
}

bool virtio_id_valid(const char *id)
{
    return id[0] != '\0' && strlen(id) < VIRTIO_ID_SIZE &&
           strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(id);
}

int virtio_device_init(struct virtio_device *device, const struct virtio_type *type, const char *id,
                       const struct guest_memory *memory, uint64_t features, unsigned n_queues,
                       uint16_t queue_size_max)
{
    memset(device, 0, sizeof(*device));
    device->type = type;
    device->filter = type->filter;
    device->memory = memory;
    device->n_queues = n_queues;
    device->queue_size_max = queue_size_max;
    device->news_eventfd = -EBADF;
    device->state.offered = features | UINT64_C(1) << VIRTIO_F_VERSION_1;
    (void)snprintf(device->id, sizeof(device->id), "%s", id);
    pthread_mutex_init(&device->mutex, NULL);
    for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++)
        device->kick[i] = -EBADF;
    device->queues = calloc(n_queues, sizeof(*device->queues));
    if (!device->queues)
        return -ENOMEM;
    forget(device);
    for (unsigned i = 0; i < n_queues; i++) {
        device->kick[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (device->kick[i] < 0)
            return -errno;
    }
    return worker_init(&device->worker, on_requests, device);
}

void virtio_device_done(struct virtio_device *device)
{
    if (!device->type)
        return;
    worker_stop(&device->worker);
    device_stop(device);
    worker_done(&device->worker);
    for (unsigned i = 0; i < device->n_queues; i++)
        device->kick[i] = close_fd(device->kick[i]);
    pthread_mutex_destroy(&device->mutex);
    free(device->queues);
    device->queues = NULL;
    device->type = NULL;
}

int virtio_device_start_threads(struct virtio_device *device, struct thread_gate *gate)
{
    int r = worker_start(&device->worker, device->filter, device->id, gate);
    int more =
        r >= 0 && device->type->start_threads ? device->type->start_threads(device, gate) : 0;

    return r < 0 ? r : more < 0 ? more : 1 + more;
}

/* Features are sealed by FEATURES_OK (3.1.1, step 5): only a subset with VERSION_1 is agreed to. */
static bool features_agreeable(const struct virtio_device *device)
{
    return (device->state.accepted & ~device->state.offered) == 0 &&
           virtio_device_has(device, VIRTIO_F_VERSION_1);
}

void virtio_device_set_status(struct virtio_device *device, uint8_t status)
{
    struct virtio_device_state *s = &device->state;

    if (s->reset_pending)
        return;
    if (status == 0) {
        if (s->status == 0) { /* nothing runs that would have to stop first */
            forget(device);
            return;
        }
        s->reset_pending = true;
        worker_request(&device->worker, REQUEST_RESET);
        return;
    }
    uint8_t added = (uint8_t)(status & ~s->status);
    if ((added & VIRTIO_CONFIG_S_FEATURES_OK) && !features_agreeable(device))
        added &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
    /* Only a reset clears bits, only the device sets NEEDS_RESET, and DRIVER_OK comes after
     * FEATURES_OK. */
    added &= (uint8_t)~VIRTIO_CONFIG_S_NEEDS_RESET;
    if (!((s->status | added) & VIRTIO_CONFIG_S_FEATURES_OK))
        added &= (uint8_t)~VIRTIO_CONFIG_S_DRIVER_OK;
    s->status |= added;
    if (added & VIRTIO_CONFIG_S_DRIVER_OK)
        worker_request(&device->worker, REQUEST_START);
}

uint8_t virtio_device_get_status(const struct virtio_device *device)
{
    return device->state.status;
}

void virtio_device_set_accepted(struct virtio_device *device, uint32_t half, uint32_t features)
{
    struct virtio_device_state *s = &device->state;

    if (s->reset_pending || (s->status & VIRTIO_CONFIG_S_FEATURES_OK) || half > 1)
        return;
    s->accepted &= ~(UINT64_C(0xffffffff) << (32 * half));
    s->accepted |= (uint64_t)features << (32 * half);
}

bool virtio_device_queue_writable(const struct virtio_device *device, unsigned queue)
{
    return queue < device->n_queues && !device->state.reset_pending &&
           !device->queues[queue].state.enabled &&
           !(device->state.status & VIRTIO_CONFIG_S_DRIVER_OK);
}

void virtio_device_enable_queue(struct virtio_device *device, unsigned queue)
{
    if (virtio_device_queue_writable(device, queue) &&
        (device->state.status & VIRTIO_CONFIG_S_FEATURES_OK))
        device->queues[queue].state.enabled = true;
}

void virtio_device_set_vector(struct virtio_device *device, unsigned queue, uint16_t vector)
{
    if (queue >= device->n_queues || device->state.queue_vector[queue] == vector)
        return;
    device->state.queue_vector[queue] = vector;
    if (device->type->vectors_changed && (device->state.status & VIRTIO_CONFIG_S_DRIVER_OK))
        worker_request(&device->worker, REQUEST_VECTORS);
}
