/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A virtio device: the status machine and feature negotiation (virtio 1.2, chapters 2.1, 2.2, 3.1).
 */
#pragma once

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <pthread.h>

#include "vmm/kvm/memory.h"
#include "vmm/virtio/virtqueue.h"
#include "vmm/virtio/worker.h"

struct virtio_device;

enum {
    VIRTIO_QUEUES_MAX = 18, /* eight pairs, a control queue, and one to spare */
    VIRTIO_CONFIG_MAX = 256,
    VIRTIO_ID_SIZE = 16,
    VIRTIO_NEWS_SIZE = 96,
};

#define VIRTIO_NO_VECTOR 0xffff

/* What a kind of device brings along. All calls but the configuration's come on the device's
 * thread. */
struct virtio_type {
    uint16_t id;                 /* VIRTIO_ID_NET … */
    uint32_t pci_class;          /* 0xBBSSPP */
    const struct filter *filter; /* of its threads */
    /*
     * The driver is ready: the queues are checked and started. -errno where the device cannot go
     * on; it then needs a reset.
     */
    int (*start)(struct virtio_device *device);
    /* After this returns, the device touches no queue; called only after start() succeeded. */
    void (*stop)(struct virtio_device *device);
    /* The guest's access to device-specific configuration (2.5); on vCPU threads, under the mutex.
     */
    void (*read_config)(struct virtio_device *device, uint32_t offset, void *ret_data,
                        unsigned length);
    /* The same for its writes; nothing is writable where it is NULL. */
    void (*write_config)(struct virtio_device *device, uint32_t offset, const void *data,
                         unsigned length);
    /* The driver gave QUEUE another vector while the device ran. May be NULL. */
    void (*vectors_changed)(struct virtio_device *device);
    /*
     * Makes the threads that the device has beside its own, waiting at GATE. Their number or
     * -errno. May be NULL.
     */
    int (*start_threads)(struct virtio_device *device, struct thread_gate *gate);
    /*
     * The device's option has the new value ARGUMENT, in full: applies what can change while the
     * guest runs, and appends a line to REPLY (reply_add()) for each change and for each thing that
     * has to wait for the next start. Called again with the same ARGUMENT, it has no change to tell
     * but what still waits. -errno where ARGUMENT is refused as a whole; REPLY says why. May be
     * NULL: nothing can change.
     */
    int (*reconfigure)(struct virtio_device *device, const char *argument, char *reply,
                       size_t size);
    /* Writes "KEY=VALUE KEY=VALUE …" about the device now, for people. May be NULL. */
    void (*describe)(struct virtio_device *device, char *ret, size_t size);
    void (*destroy)(struct virtio_device *device);
};

/* What the device is. */
struct virtio_device_state {
    uint8_t status;
    bool reset_pending; /* the guest wrote 0 and the device thread has not answered */
    uint64_t offered, accepted;
    uint32_t offered_select, accepted_select;
    uint16_t queue_select;
    uint16_t config_vector;
    uint16_t queue_vector[VIRTIO_QUEUES_MAX];
    uint8_t config_generation;
    uint8_t isr;
};

/* How the device reaches its driver; the transport's part. Callable from the device's threads. */
struct virtio_transport {
    void (*signal_queue)(void *context, unsigned queue);
    void (*signal_config)(void *context);
    /* The eventfd that does what signal_queue() does, or -EBADF where QUEUE has no vector. */
    int (*queue_eventfd)(void *context, unsigned queue);
    void *context;
};

struct virtio_device {
    const struct virtio_type *type;
    char id[VIRTIO_ID_SIZE];
    const struct guest_memory *memory; /* borrowed */
    /* Guards state, and the queues' state while the device does not run. */
    pthread_mutex_t mutex;
    struct virtio_device_state state;
    unsigned n_queues;
    uint16_t queue_size_max;
    struct virtqueue *queues; /* n_queues of them, owned */
    int kick[VIRTIO_QUEUES_MAX]; /* owned eventfds: the driver's notifications */
    struct virtio_transport transport;
    struct worker worker;
    bool running;        /* device thread only: between start and stop */
    bool fault_reported; /* device thread only: one line in all, however often a guest resets */
    _Atomic(const char *) fault; /* what another of the device's threads found */
    const char *remark;          /* for systemctl status: what is not as was asked for, or NULL */
    char news[VIRTIO_NEWS_SIZE]; /* under the mutex, and for systemctl status: what changes */
    const struct filter *filter; /* of its threads: the type's, unless made otherwise */
    int news_eventfd;            /* borrowed, or -EBADF: there is something new */
    const char *argument;        /* borrowed: the option's value that it was made from, or NULL */
};

/* Whether ID may be a device's: up to VIRTIO_ID_SIZE - 1 of a-z, 0-9, _ and -. */
bool virtio_id_valid(const char *id);

/*
 * Makes a device that offers FEATURES beside VERSION_1. ID is for messages and the thread's name. 0
 * or -errno; virtio_device_done() takes a half-built one.
 */
int virtio_device_init(struct virtio_device *device, const struct virtio_type *type, const char *id,
                       const struct guest_memory *memory, uint64_t features, unsigned n_queues,
                       uint16_t queue_size_max);
void virtio_device_done(struct virtio_device *device);

/* Makes the device's threads, which wait at GATE. Their number or -errno. */
int virtio_device_start_threads(struct virtio_device *device, struct thread_gate *gate);

/* The driver's register accesses, for the transport, under the mutex. */
void virtio_device_set_status(struct virtio_device *device, uint8_t status);
uint8_t virtio_device_get_status(const struct virtio_device *device);
void virtio_device_set_accepted(struct virtio_device *device, uint32_t half, uint32_t features);
void virtio_device_enable_queue(struct virtio_device *device, unsigned queue);
void virtio_device_set_vector(struct virtio_device *device, unsigned queue, uint16_t vector);

/* True where queue registers may be written: enabled or running queues are fixed. */
bool virtio_device_queue_writable(const struct virtio_device *device, unsigned queue);

static inline bool virtio_device_has(const struct virtio_device *device, unsigned feature)
{
    return device->state.accepted >> feature & 1;
}

/*
 * The guest broke the protocol (2.1.1, DEVICE_NEEDS_RESET): logs WHAT once, stops the device and
 * tells the driver. On the device's thread.
 */
void virtio_device_fault(struct virtio_device *device, const char *what);

/* The same, from any thread: it happens soon. WHAT is a string that stays. */
void virtio_device_report_fault(struct virtio_device *device, const char *what);

/* The device-specific configuration has changed (2.5, 4.1.4.3.1): tells the driver. Any thread. */
void virtio_device_config_changed(struct virtio_device *device);

/* What systemctl status shows of the device, as of printf, until the next call. Any thread. */
void virtio_device_tell(struct virtio_device *device, const char *format, ...) _printf_(2, 3);
