/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The control socket (AF_UNIX, SOCK_SEQPACKET), for root: one request a connection, one answer.
 *
 *   request  "status" '\0', or "reload" '\0' and each argument of the new command line, '\0'
 *   answer   "ok", "refused" or "busy", and then lines of text, each '\n'
 *
 * `reload` applies what can change while the guest runs, and tells a line for each change and for
 * each thing that has to wait. Devices answer on their own threads; one that hangs holds up neither
 * the event loop nor the answer.
 */
#pragma once

#include "vmm/event.h"
#include "vmm/machine.h"
#include "vmm/options.h"
#include "vmm/status.h"
#include "vmm/virtio/inquiry.h"

enum {
    CONTROL_REQUEST_SIZE = 32 * 1024,
    CONTROL_REPLY_SIZE = 16 * 1024,
};

struct control {
    struct machine *machine;          /* borrowed */
    struct options *options;          /* borrowed: what the machine was started with */
    const struct status *status_line; /* borrowed */
    struct event_loop *loop;
    struct event_source listener; /* owned, as the others are */
    struct event_source client;   /* -EBADF: nobody */
    struct event_source answered; /* eventfd: the inquiry has its answer */
    struct event_source timer;    /* the client's time */
    unsigned patience_sec;        /* with a client, and with the devices it waits for */
    bool waiting;                 /* for the inquiry, on the client's behalf */
    bool refused;                 /* a part of it was */
    unsigned next;                /* the device to be asked */
    struct virtio_inquiry inquiry;
    /* From here on untouched until somebody asks. */
    struct options new_options; /* borrow from request */
    char request[CONTROL_REQUEST_SIZE];
    char reply[CONTROL_REPLY_SIZE];
};

/*
 * Listens on FD, a listening socket that becomes the control's; -EBADF: there is none, and nothing
 * happens. A change of the stop timeout is written to OPTIONS. 0 or -errno; logs.
 */
int control_init(struct control *control, int fd, struct machine *machine, struct options *options,
                 const struct status *status_line, struct event_loop *loop);
void control_done(struct control *control);
