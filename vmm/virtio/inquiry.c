/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to devices. */
#include "vmm/virtio/inquiry.h"

#include <sys/eventfd.h>

/* On the device's thread. */
static void answer(void *argument)
{
    struct virtio_inquiry *inquiry = argument;
    struct virtio_device *device = inquiry->device;
    int answered = inquiry->answered;

    if (!inquiry->argument && device->type->describe)
        device->type->describe(device, inquiry->reply, sizeof(inquiry->reply));
    else if (inquiry->argument && device->type->reconfigure)
        inquiry->result = device->type->reconfigure(device, inquiry->argument, inquiry->reply,
                                                    sizeof(inquiry->reply));
    atomic_store(&inquiry->pending, false); /* pairs with the asker's load */
    (void)eventfd_write(answered, 1);
}

void virtio_inquiry_start(struct virtio_inquiry *inquiry)
{
    inquiry->result = 0;
    inquiry->reply[0] = '\0';
    atomic_store(&inquiry->pending, true);
    if (!worker_post(&inquiry->device->worker, answer, inquiry)) {
        inquiry->result = -EBUSY;
        atomic_store(&inquiry->pending, false);
        (void)eventfd_write(inquiry->answered, 1);
    }
}
