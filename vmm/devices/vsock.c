/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virtio-vsock: the host's kernel serves both queues of packets. The third queue, for events, stays
 * as the driver fills it: the one event that there is tells of a guest that was moved (5.10.6.7).
 */
#include "vmm/devices/vsock.h"

#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/virtio_vsock.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "vmm/filters.h"
#include "vmm/log.h"

enum {
    VSOCK_PCI_CLASS = 0x078000, /* communication controller, other */
    VSOCK_VHOST_QUEUES = 2,     /* receives, sends: the driver's words, and the kernel's numbers */
    VSOCK_QUEUES = 3,
};

#define VSOCK_FEATURE(bit) (UINT64_C(1) << (bit))

/* Offered where the kernel has them. */
#define VSOCK_FEATURES                                                                             \
    (VSOCK_FEATURE(VIRTIO_RING_F_INDIRECT_DESC) | VSOCK_FEATURE(VIRTIO_RING_F_EVENT_IDX) |         \
     VSOCK_FEATURE(VIRTIO_VSOCK_F_SEQPACKET))

struct vsock {
    struct virtio_device device;
    struct virtio_vsock_config config;
    struct vhost vhost;
    struct event_source error; /* an eventfd of ours, which the kernel writes to */
};

static struct vsock *vsock_of(struct virtio_device *device)
{
    return container_of(device, struct vsock, device);
}

static int set_running(struct vsock *vsock, int running)
{
    return ioctl(vsock->vhost.fd, VHOST_VSOCK_SET_RUNNING, &running) < 0 ? -errno : 0;
}

static void vhost_complains(struct event_source *source, uint32_t events)
{
    struct vsock *vsock = container_of(source, struct vsock, error);
    eventfd_t count;

    (void)events;
    (void)eventfd_read(source->fd, &count);
    virtio_device_report_fault(&vsock->device, "the kernel's vhost-vsock finds a ring broken");
}

static void vsock_stop(struct virtio_device *device)
{
    struct vsock *vsock = vsock_of(device);

    (void)set_running(vsock, 0);
    for (unsigned i = 0; i < VSOCK_VHOST_QUEUES; i++)
        (void)vhost_queue_stop(&vsock->vhost, i, &device->queues[i]);
    event_loop_remove(&device->worker.loop, &vsock->error);
}

static int queues_start(struct vsock *vsock)
{
    struct virtio_device *device = &vsock->device;

    for (unsigned i = 0; i < VSOCK_VHOST_QUEUES; i++) {
        const struct vhost_eventfds eventfds = {
            .kick = device->kick[i],
            .call = device->transport.queue_eventfd(device->transport.context, i),
            .error = vsock->error.fd,
        };

        int r = device->queues[i].state.enabled ? 0 : -EINVAL;
        if (r >= 0)
            r = vhost_queue_start(&vsock->vhost, i, &device->queues[i], &eventfds);
        if (r < 0)
            return r;
    }
    return 0;
}

static int vsock_start(struct virtio_device *device)
{
    struct vsock *vsock = vsock_of(device);
    eventfd_t count;

    /* What an earlier life of the driver left there. */
    (void)eventfd_read(vsock->error.fd, &count);
    int r = vhost_set_features(&vsock->vhost, device->state.accepted);
    if (r >= 0)
        r = event_loop_add(&device->worker.loop, &vsock->error, EPOLLIN);
    if (r >= 0)
        r = queues_start(vsock);
    if (r >= 0)
        r = set_running(vsock, 1);
    if (r < 0) {
        vsock_stop(device);
        return r;
    }
    /* A notification that came before the kernel ran was in vain; one too many does no harm. */
    for (unsigned i = 0; i < VSOCK_VHOST_QUEUES; i++)
        (void)eventfd_write(device->kick[i], 1);
    return 0;
}

static void vsock_vectors_changed(struct virtio_device *device)
{
    struct vsock *vsock = vsock_of(device);
    int r = 0;

    for (unsigned i = 0; i < VSOCK_VHOST_QUEUES && r >= 0; i++) {
        int call = device->transport.queue_eventfd(device->transport.context, i);

        r = vhost_queue_set_call(&vsock->vhost, i, call);
        /* What came meanwhile went to the old vector; an interrupt too many does no harm. */
        if (r >= 0 && call >= 0)
            (void)eventfd_write(call, 1);
    }
    if (r < 0)
        virtio_device_report_fault(device, "vhost does not take the queue's new vector");
}

static void vsock_read_config(struct virtio_device *device, uint32_t offset, void *ret_data,
                              unsigned length)
{
    const struct virtio_vsock_config *config = &vsock_of(device)->config;

    if (offset < sizeof(*config) && length <= sizeof(*config) - offset)
        memcpy(ret_data, (const uint8_t *)config + offset, length);
}

static void vsock_destroy(struct virtio_device *device)
{
    struct vsock *vsock = vsock_of(device);

    virtio_device_done(device);
    vhost_done(&vsock->vhost);
    vsock->error.fd = close_fd(vsock->error.fd);
    free(vsock);
}

static const struct virtio_type vsock_type = {
    .id = VIRTIO_ID_VSOCK,
    .pci_class = VSOCK_PCI_CLASS,
    .filter = &filter_vsock,
    .start = vsock_start,
    .stop = vsock_stop,
    .read_config = vsock_read_config,
    .vectors_changed = vsock_vectors_changed,
    .destroy = vsock_destroy,
};

/* A descriptor without an owner; that of a path gets its CID. */
static int open_vhost(const struct vsock_settings *settings,
                      const struct device_environment *environment)
{
    uint64_t cid = settings->cid;

    if (strncmp(settings->vhost, "fd:", 3) == 0) {
        int fd = environment->take_fd(environment->context, settings->vhost + 3);

        /* Once it has an owner, it holds the guest's memory: no copy may outlive this process. */
        if (fd >= 0)
            environment->forget_fd(environment->context, settings->vhost + 3);
        return fd;
    }
    _cleanup_close_ int fd = open(settings->vhost, O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return log_errno(-errno, "Cannot open '%s': %m%s", settings->vhost,
                         errno == ENOENT || errno == ENODEV || errno == ENXIO
                             ? "; load the module with `modprobe vhost_vsock`"
                             : "");
    if (ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &cid) < 0)
        return log_errno(-errno, "Cannot have %u as the guest's CID: %s", settings->cid,
                         errno == EADDRINUSE ? "another VM has it" : strerror(errno));
    return TAKE_FD(fd);
}

static int acquire_vhost(struct vhost *vhost, const struct vsock_settings *settings,
                         const struct device_environment *environment)
{
    _cleanup_close_ int fd = open_vhost(settings, environment);
    if (fd < 0)
        return fd;
    int r = vhost_init(vhost, fd, environment->memory);
    if (r >= 0) {
        TAKE_FD(fd);
        r = vhost->features & VSOCK_FEATURE(VIRTIO_F_VERSION_1) ? 0 : -EOPNOTSUPP;
    }
    if (r < 0)
        log_error("Cannot use '%s' as a vhost-vsock device: %s", settings->vhost, strerror(-r));
    return r;
}

int vsock_create(const char *argument, const struct device_environment *environment,
                 struct virtio_device **ret)
{
    struct vsock_settings settings;

    int r = vsock_settings_parse(argument, &settings);
    if (r < 0)
        return r;
    struct vsock *vsock = calloc(1, sizeof(*vsock));
    if (!vsock)
        return -ENOMEM;
    vsock->vhost.fd = -EBADF;
    vsock->config.guest_cid = settings.cid;
    vsock->error = (struct event_source){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                                         .ready = vhost_complains};
    if (vsock->error.fd < 0)
        r = log_errno(-errno, "Cannot make an eventfd: %m");
    if (r >= 0)
        r = acquire_vhost(&vsock->vhost, &settings, environment);
    if (r >= 0)
        r = virtio_device_init(&vsock->device, &vsock_type, "vsock", environment->memory,
                               VSOCK_FEATURES & vsock->vhost.features, VSOCK_QUEUES,
                               VSOCK_QUEUE_SIZE);
    if (r < 0) {
        vsock_destroy(&vsock->device);
        return r;
    }
    *ret = &vsock->device;
    return 0;
}
