/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The people at the guest's console: clients of a socket, on the main thread. All of them see what
 * the guest writes, and each may type. Who may connect is the socket's mode to say.
 */
#pragma once

#include "vmm/console-protocol.h"
#include "vmm/devices/console-device.h"
#include "vmm/event.h"

struct machine;
struct console_server;

enum {
    CONSOLE_CLIENTS_MAX = 8,
    CONSOLE_HISTORY = 16 * 1024, /* bytes, for one who attaches */
};

struct console_client {
    struct event_source source; /* the descriptor is owned; -EBADF: no client */
    struct console_server *server;
    uint32_t events;   /* that it waits for */
    uint64_t position; /* in the port's output */
    bool deaf;         /* it takes no more output */
    bool parked;       /* it is gone, and what it has said waits for room */
    size_t length;     /* of the message that is not sent yet */
    uint8_t message[CONSOLE_MESSAGE_MAX];
};

struct console_server {
    struct console_device *console; /* borrowed; NULL: the machine has none */
    struct event_loop *loop;
    struct event_source listener, output, room; /* the descriptors are borrowed */
    bool full; /* input waits for the guest: nobody is listened to */
    struct console_client clients[CONSOLE_CLIENTS_MAX];
};

/* Serves CONSOLE, where it has a socket. 0 or -errno; logs. */
int console_server_init(struct console_server *server, struct console_device *console,
                        struct event_loop *loop);

/* Finds the machine's console, if any, and serves it. 0 or -errno; logs. */
int console_server_init_machine(struct console_server *server, const struct machine *machine,
                                struct event_loop *loop);

/* Sends out what is left, as far as it goes without waiting, and parts with all. */
void console_server_finish(struct console_server *server);
