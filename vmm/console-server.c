/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client that reads slowly loses output and is told so; one that types too fast waits. */
#include "vmm/console-server.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "vmm/log.h"
#include "vmm/machine.h"

enum {
    MESSAGES_AT_ONCE = 16, /* then others have their turn */
    ACCEPTS_AT_ONCE = 8,
};

static void wait_for(struct console_client *client, bool output)
{
    uint32_t events =
        (client->server->full ? 0 : (uint32_t)EPOLLIN) | (output ? (uint32_t)EPOLLOUT : 0);

    if (client->parked || events == client->events)
        return;
    client->events = events;
    (void)event_loop_change(client->server->loop, &client->source, events);
}

static void drop(struct console_client *client)
{
    struct console_server *server = client->server;

    if (!client->parked)
        event_loop_remove(server->loop, &client->source);
    client->parked = false;
    client->source.fd = close_fd(client->source.fd);
    /* Had there been no descriptor for one more, there is now. */
    (void)event_loop_change(server->loop, &server->listener, EPOLLIN);
}

/* Makes the next message of what the client has not had yet. False: it has had all. */
static bool fill(struct console_client *client)
{
    uint64_t lost;
    size_t n = console_port_read(&client->server->console->port, &client->position,
                                 client->message + 1, CONSOLE_DATA_MAX, &lost);

    if (n == 0 && lost == 0)
        return false;
    client->message[0] = n > 0 ? CONSOLE_OUTPUT : CONSOLE_LOST;
    for (; n < 8 && lost > 0; lost >>= 8)
        client->message[1 + n++] = (uint8_t)lost;
    if (client->message[0] == CONSOLE_LOST)
        for (; n < 8; n++)
            client->message[1 + n] = 0;
    client->length = 1 + n;
    return true;
}

/* 1: one message went out; 0: there is none; -EAGAIN: not now. */
static int send_one(struct console_client *client)
{
    if (client->length == 0 && !fill(client))
        return 0;
    ssize_t n = write(client->source.fd, client->message, client->length);
    if (n < 0 && errno == EINTR)
        return 1;
    if (n < 0 && errno == EAGAIN)
        return -EAGAIN;
    client->length = 0;
    if (n < 0) /* it is gone; what it has said before is still read */
        client->deaf = true;
    return n < 0 ? 0 : 1;
}

static void send_output(struct console_client *client)
{
    int r = 1;

    for (unsigned i = 0; i < MESSAGES_AT_ONCE && r == 1 && !client->deaf; i++)
        r = send_one(client);
    wait_for(client, !client->deaf && r != 0);
}

static void take_message(struct console_client *client, const uint8_t *message, size_t size)
{
    struct console_device *console = client->server->console;

    if (message[0] == CONSOLE_INPUT && size > 1) {
        console_port_offer(&console->port, message + 1, size - 1);
    } else if (message[0] == CONSOLE_SIZE && size == CONSOLE_SIZE_MESSAGE) {
        uint16_t columns = (uint16_t)(message[1] | message[2] << 8);
        uint16_t rows = (uint16_t)(message[3] | message[4] << 8);

        if (columns > 0 && rows > 0)
            console_device_resize(console, columns, rows);
    }
}

/* The guest does not read: nobody is listened to until it does. */
static void pause_input(struct console_server *server)
{
    server->full = true;
    for (unsigned i = 0; i < CONSOLE_CLIENTS_MAX; i++)
        if (server->clients[i].source.fd >= 0)
            wait_for(&server->clients[i], server->clients[i].events & EPOLLOUT);
}

/* False: the client is no more. */
static bool take_input(struct console_client *client)
{
    struct console_server *server = client->server;
    uint8_t message[CONSOLE_MESSAGE_MAX];

    for (unsigned i = 0; i < MESSAGES_AT_ONCE; i++) {
        if (!console_port_has_room(&server->console->port, CONSOLE_DATA_MAX)) {
            pause_input(server);
            return true;
        }
        ssize_t n = read(client->source.fd, message, sizeof(message));
        if (n < 0 && errno == EAGAIN)
            return true;
        /* One that went without having read all: what it has said is still there. */
        if (n < 0 && (errno == EINTR || errno == ECONNRESET))
            continue;
        if (n <= 0) {
            drop(client);
            return false;
        }
        take_message(client, message, (size_t)n);
    }
    return true;
}

static void client_ready(struct event_source *source, uint32_t events)
{
    struct console_client *client = container_of(source, struct console_client, source);

    if ((events & EPOLLIN) && !client->server->full && !take_input(client))
        return;
    if ((events & (EPOLLHUP | EPOLLERR)) && client->server->full) {
        /* It would be told of again and again. */
        event_loop_remove(client->server->loop, source);
        client->parked = true;
        client->deaf = true;
        return;
    }
    if (events & EPOLLOUT)
        send_output(client);
}

static struct console_client *find_place(struct console_server *server)
{
    for (unsigned i = 0; i < CONSOLE_CLIENTS_MAX; i++)
        if (server->clients[i].source.fd < 0)
            return &server->clients[i];
    /* One who is there comes before what one who is gone has said. */
    for (unsigned i = 0; i < CONSOLE_CLIENTS_MAX; i++) {
        if (!server->clients[i].parked)
            continue;
        drop(&server->clients[i]);
        return &server->clients[i];
    }
    return NULL;
}

static void welcome(struct console_server *server, int fd)
{
    static const uint8_t busy[] = {CONSOLE_BUSY},
                         hello[] = {CONSOLE_HELLO, CONSOLE_PROTOCOL_VERSION};
    struct console_client *client = find_place(server);

    if (!client) {
        ssize_t n _unused_ = write(fd, busy, sizeof(busy));
        close_fd(fd);
        return;
    }
    *client = (struct console_client){
        .source = {.fd = fd, .ready = client_ready},
        .server = server,
        .events = EPOLLIN,
        .position = console_port_history(&server->console->port, CONSOLE_HISTORY),
        .length = sizeof(hello),
    };
    memcpy(client->message, hello, sizeof(hello));
    if (event_loop_add(server->loop, &client->source, EPOLLIN) < 0) {
        client->source.fd = close_fd(fd);
        return;
    }
    send_output(client);
}

static void client_comes(struct event_source *source, uint32_t events _unused_)
{
    struct console_server *server = container_of(source, struct console_server, listener);

    for (unsigned i = 0; i < ACCEPTS_AT_ONCE; i++) {
        int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            welcome(server, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            log_warning("Cannot let one more in at the console: %m; waiting until one leaves");
            (void)event_loop_change(server->loop, source, 0);
            return;
        }
    }
}

static void output_came(struct event_source *source, uint32_t events _unused_)
{
    struct console_server *server = container_of(source, struct console_server, output);

    for (unsigned i = 0; i < CONSOLE_CLIENTS_MAX; i++) {
        struct console_client *client = &server->clients[i];

        if (client->source.fd >= 0 && !client->deaf && !(client->events & EPOLLOUT))
            send_output(client);
    }
}

static void room_came(struct event_source *source, uint32_t events _unused_)
{
    struct console_server *server = container_of(source, struct console_server, room);

    server->full = false;
    for (unsigned i = 0; i < CONSOLE_CLIENTS_MAX; i++) {
        struct console_client *client = &server->clients[i];

        if (client->source.fd < 0)
            continue;
        if (client->parked) {
            client->parked = false;
            client->events = EPOLLIN;
            if (event_loop_add(server->loop, &client->source, EPOLLIN) < 0)
                client->source.fd = close_fd(client->source.fd);
        } else {
            wait_for(client, client->events & EPOLLOUT);
        }
    }
}

int console_server_init(struct console_server *server, struct console_device *console,
                        struct event_loop *loop)
{
    server->console = NULL;
    if (!console || console->listener < 0)
        return 0;
    memset(server, 0, sizeof(*server));
    for (unsigned i = 0; i < CONSOLE_CLIENTS_MAX; i++)
        server->clients[i].source.fd = -EBADF;
    server->console = console;
    server->loop = loop;
    server->listener = (struct event_source){.fd = console->listener, .ready = client_comes};
    server->output =
        (struct event_source){.fd = console->port.output_eventfd, .ready = output_came};
    server->room = (struct event_source){.fd = console->port.room_eventfd, .ready = room_came};
    int r = event_loop_add(loop, &server->listener, EPOLLIN);
    if (r >= 0)
        r = event_loop_add(loop, &server->output, EPOLLIN | EPOLLET);
    if (r >= 0)
        r = event_loop_add(loop, &server->room, EPOLLIN | EPOLLET);
    if (r < 0)
        return log_errno(r, "Cannot serve the console: %s", strerror(-r));
    return 0;
}

int console_server_init_machine(struct console_server *server, const struct machine *machine,
                                struct event_loop *loop)
{
    struct console_device *console = NULL;

    for (unsigned i = 0; i < machine->n_devices; i++) {
        struct console_device *one = console_device_of(machine->devices[i].device);

        if (one && console)
            return log_errno(-EINVAL, "--console may be given once");
        if (one)
            console = one;
    }
    return console_server_init(server, console, loop);
}

void console_server_finish(struct console_server *server)
{
    /* No more than the port can hold: the guest may still be writing. */
    const unsigned messages = CONSOLE_OUTPUT_SIZE / CONSOLE_DATA_MAX;

    for (unsigned i = 0; server->console && i < CONSOLE_CLIENTS_MAX; i++) {
        struct console_client *client = &server->clients[i];

        if (client->source.fd < 0)
            continue;
        for (unsigned j = 0; j < messages && !client->deaf && send_one(client) == 1; j++)
            ;
        drop(client);
    }
}
