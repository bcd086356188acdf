/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virtio-console (virtio 1.2, 5.3) with one port, which Linux calls hvc0, and a terminal that
 * changes its size. Who is at the other end is not the device's business: vmm/console-server.c.
 */
#pragma once

#include "vmm/devices/console-port.h"
#include "vmm/devices/device-table.h"

enum { CONSOLE_QUEUE_SIZE = 64 };

struct console_device {
    struct virtio_device device;
    struct console_port port;
    int listener; /* owned: a listening socket, for the main thread; -EBADF: none */
    /* The device thread's. */
    struct event_source receive_kick, transmit_kick, input;
    struct virtqueue_chain chain;
};

/* What DEVICE is part of, or NULL where it is no console. */
struct console_device *console_device_of(struct virtio_device *device);

/* The terminal at the other end has another size: tells the guest. Any thread. */
void console_device_resize(struct console_device *console, uint16_t columns, uint16_t rows);

/* A row of the device table. */
int console_create(const char *argument, const struct device_environment *environment,
                   struct virtio_device **ret);
