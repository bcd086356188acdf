/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Moves bytes between the guest's buffers and the port's. */
#include "vmm/devices/console-device.h"

#include <linux/virtio_console.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "vmm/devices/console-listen.h"
#include "vmm/filters.h"
#include "vmm/log.h"

enum {
    CONSOLE_PCI_CLASS = 0x078000, /* simple communication, other */
    CONSOLE_BATCH = 32,           /* buffers, before others have their turn */
    QUEUE_RECEIVE = 0,
    QUEUE_TRANSMIT = 1,
    CONSOLE_QUEUES = 2,
};

#define CONSOLE_FEATURES                                                                           \
    (UINT64_C(1) << VIRTIO_CONSOLE_F_SIZE | UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC |           \
     UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX)

/* 1: a buffer was served; 0: there is none; -EPROTO. */
static int transmit_one(struct console_device *console, struct virtqueue *queue)
{
    int r = virtqueue_pop(queue, &console->chain);

    if (r <= 0)
        return r;
    if (console->chain.n_in > 0)
        return -EPROTO;
    console_port_write(&console->port, console->chain.iov, console->chain.n_out);
    virtqueue_push(queue, console->chain.head, 0);
    return 1;
}

static int receive_one(struct console_device *console, struct virtqueue *queue)
{
    int r = virtqueue_pop(queue, &console->chain);

    if (r <= 0)
        return r;
    if (console->chain.n_out > 0 || console->chain.in_bytes == 0)
        return -EPROTO;
    size_t n = console_port_take(&console->port, console->chain.iov, console->chain.n_in);
    virtqueue_push(queue, console->chain.head, (uint32_t)n);
    return 1;
}

static void finish(struct console_device *console, unsigned number, int r, bool more, int again)
{
    struct virtio_device *device = &console->device;

    if (virtqueue_must_signal(&device->queues[number]))
        device->transport.signal_queue(device->transport.context, number);
    if (r < 0)
        virtio_device_fault(device, "a console buffer is broken");
    else if (more)
        (void)eventfd_write(again, 1); /* after the loop's other sources */
}

static void transmit_kicked(struct event_source *source, uint32_t events _unused_)
{
    struct console_device *console = container_of(source, struct console_device, transmit_kick);
    struct virtqueue *queue = &console->device.queues[QUEUE_TRANSMIT];
    unsigned served = 0;
    int r;

    virtqueue_disable_notification(queue);
    do {
        while ((r = transmit_one(console, queue)) == 1 && ++served < CONSOLE_BATCH)
            ;
    } while (r == 0 && virtqueue_enable_notification(queue) && ++served < CONSOLE_BATCH);
    finish(console, QUEUE_TRANSMIT, r, served >= CONSOLE_BATCH, source->fd);
}

/* Buffers are asked for only while there is something to put into them. */
static void receive(struct console_device *console)
{
    struct virtqueue *queue = &console->device.queues[QUEUE_RECEIVE];
    unsigned served = 0;
    int r = 1;

    virtqueue_disable_notification(queue);
    do {
        while (served < CONSOLE_BATCH && console_port_has_input(&console->port) &&
               (r = receive_one(console, queue)) == 1)
            served++;
    } while (r == 0 && virtqueue_enable_notification(queue) && ++served < CONSOLE_BATCH);
    finish(console, QUEUE_RECEIVE, r, served >= CONSOLE_BATCH, console->input.fd);
}

static void receive_kicked(struct event_source *source, uint32_t events _unused_)
{
    receive(container_of(source, struct console_device, receive_kick));
}

static void input_came(struct event_source *source, uint32_t events _unused_)
{
    receive(container_of(source, struct console_device, input));
}

static void console_stop(struct virtio_device *device)
{
    struct console_device *console = container_of(device, struct console_device, device);

    event_loop_remove(&device->worker.loop, &console->receive_kick);
    event_loop_remove(&device->worker.loop, &console->transmit_kick);
    event_loop_remove(&device->worker.loop, &console->input);
}

static int console_start(struct virtio_device *device)
{
    struct console_device *console = container_of(device, struct console_device, device);
    struct event_source *sources[] = {&console->receive_kick, &console->transmit_kick,
                                      &console->input};
    uint16_t columns, rows;
    int r = 0;

    if (!device->queues[QUEUE_RECEIVE].state.enabled ||
        !device->queues[QUEUE_TRANSMIT].state.enabled)
        return -EINVAL;
    /* Each write to an eventfd is an edge: nobody needs to read them. */
    for (size_t i = 0; i < ELEMENTSOF(sources) && r >= 0; i++)
        r = event_loop_add(&device->worker.loop, sources[i], EPOLLIN | EPOLLET);
    if (r < 0) {
        console_stop(device);
        return r;
    }
    /* What was there before needs no notification. Linux looks at the size only when told to. */
    (void)eventfd_write(console->transmit_kick.fd, 1);
    (void)eventfd_write(console->input.fd, 1);
    console_port_get_size(&console->port, &columns, &rows);
    if (columns > 0)
        virtio_device_config_changed(device);
    return 0;
}

static void console_read_config(struct virtio_device *device, uint32_t offset, void *ret_data,
                                unsigned length)
{
    struct console_device *console = container_of(device, struct console_device, device);
    uint16_t columns, rows;

    console_port_get_size(&console->port, &columns, &rows);
    const struct virtio_console_config config = {.cols = columns, .rows = rows, .max_nr_ports = 1};
    if (offset < sizeof(config) && length <= sizeof(config) - offset)
        memcpy(ret_data, (const uint8_t *)&config + offset, length);
}

static void console_describe(struct virtio_device *device, char *ret, size_t size)
{
    struct console_device *console = container_of(device, struct console_device, device);
    uint16_t columns, rows;

    console_port_get_size(&console->port, &columns, &rows);
    (void)snprintf(ret, size, "columns=%u rows=%u", columns, rows);
}

static void console_destroy(struct virtio_device *device)
{
    struct console_device *console = container_of(device, struct console_device, device);

    virtio_device_done(device);
    console_port_done(&console->port);
    console->listener = close_fd(console->listener);
    free(console);
}

static const struct virtio_type console_type = {
    .id = VIRTIO_ID_CONSOLE,
    .pci_class = CONSOLE_PCI_CLASS,
    .filter = &filter_console,
    .start = console_start,
    .stop = console_stop,
    .read_config = console_read_config,
    .describe = console_describe,
    .destroy = console_destroy,
};

struct console_device *console_device_of(struct virtio_device *device)
{
    return device->type == &console_type ? container_of(device, struct console_device, device)
                                         : NULL;
}

void console_device_resize(struct console_device *console, uint16_t columns, uint16_t rows)
{
    if (console_port_set_size(&console->port, columns, rows))
        virtio_device_config_changed(&console->device);
}

int console_create(const char *argument, const struct device_environment *environment,
                   struct virtio_device **ret)
{
    struct console_settings settings;
    int listener;

    int r = console_settings_parse(argument, &settings);
    if (r >= 0)
        r = console_listen(&settings, environment, &listener);
    if (r < 0)
        return r;
    struct console_device *console = calloc(1, sizeof(*console));
    if (!console) {
        close_fd(listener);
        return -ENOMEM;
    }
    console->listener = listener;
    r = console_port_init(&console->port);
    if (r >= 0)
        r = virtio_device_init(&console->device, &console_type, settings.id, environment->memory,
                               CONSOLE_FEATURES, CONSOLE_QUEUES, CONSOLE_QUEUE_SIZE);
    if (r < 0) {
        console_destroy(&console->device);
        return log_errno(r, "Cannot make the console '%s': %s", settings.id, strerror(-r));
    }
    console->receive_kick =
        (struct event_source){.fd = console->device.kick[QUEUE_RECEIVE], .ready = receive_kicked};
    console->transmit_kick =
        (struct event_source){.fd = console->device.kick[QUEUE_TRANSMIT], .ready = transmit_kicked};
    console->input = (struct event_source){.fd = console->port.input_eventfd, .ready = input_came};
    if (listener < 0)
        console->device.remark = "without its socket: nobody can attach";
    *ret = &console->device;
    return 0;
}
