/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two rings. Output overwrites what is old; input has to be read before there is more. */
#include "vmm/devices/console-port.h"

#include <string.h>
#include <sys/eventfd.h>

int console_port_init(struct console_port *port)
{
    int *fds[] = {&port->output_eventfd, &port->room_eventfd, &port->input_eventfd};
    int r = 0;

    memset(port, 0, sizeof(*port));
    pthread_mutex_init(&port->mutex, NULL);
    for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
        *fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (*fds[i] < 0)
            r = -errno;
    }
    return r;
}

void console_port_done(struct console_port *port)
{
    port->output_eventfd = close_fd(port->output_eventfd);
    port->room_eventfd = close_fd(port->room_eventfd);
    port->input_eventfd = close_fd(port->input_eventfd);
    pthread_mutex_destroy(&port->mutex);
}

/* Where the byte at POSITION is, and how many follow it, before the ring's end and up to SIZE. */
static size_t place(uint64_t position, size_t size, size_t *ret_at)
{
    size_t at = (size_t)(position % CONSOLE_OUTPUT_SIZE);

    *ret_at = at;
    return size < CONSOLE_OUTPUT_SIZE - at ? size : CONSOLE_OUTPUT_SIZE - at;
}

static void append(struct console_port *port, const uint8_t *data, size_t size)
{
    while (size > 0) {
        size_t at, part = place(port->written, size, &at);

        memcpy(port->output + at, data, part);
        port->written += part;
        data += part;
        size -= part;
    }
}

void console_port_write(struct console_port *port, const struct iovec *iov, unsigned n)
{
    uint64_t skip = 0;

    for (unsigned i = 0; i < n; i++)
        skip += iov[i].iov_len;
    skip = skip > CONSOLE_OUTPUT_SIZE ? skip - CONSOLE_OUTPUT_SIZE : 0;
    pthread_mutex_lock(&port->mutex);
    for (unsigned i = 0; i < n; i++) {
        size_t over = skip < iov[i].iov_len ? (size_t)skip : iov[i].iov_len;

        port->written += over;
        skip -= over;
        append(port, (const uint8_t *)iov[i].iov_base + over, iov[i].iov_len - over);
    }
    bool tell = port->output_awaited;
    port->output_awaited = false;
    pthread_mutex_unlock(&port->mutex);
    if (tell)
        (void)eventfd_write(port->output_eventfd, 1);
}

/* Under the mutex: the first byte that is still there. */
static uint64_t oldest(const struct console_port *port)
{
    return port->written > CONSOLE_OUTPUT_SIZE ? port->written - CONSOLE_OUTPUT_SIZE : 0;
}

size_t console_port_read(struct console_port *port, uint64_t *position, void *ret, size_t size,
                         uint64_t *ret_lost)
{
    size_t n = 0;

    *ret_lost = 0;
    pthread_mutex_lock(&port->mutex);
    if (*position < oldest(port)) {
        /* A good part more than has to be: else the next bytes would be lost at once, too. */
        uint64_t next = port->written - CONSOLE_OUTPUT_SIZE / 2;

        *ret_lost = next - *position;
        *position = next;
    } else {
        size_t there = (size_t)(port->written - *position);

        for (size_t left = there < size ? there : size; left > 0;) {
            size_t at, part = place(*position, left, &at);

            memcpy((uint8_t *)ret + n, port->output + at, part);
            *position += part;
            n += part;
            left -= part;
        }
        if (n == 0)
            port->output_awaited = true;
    }
    pthread_mutex_unlock(&port->mutex);
    return n;
}

uint64_t console_port_history(struct console_port *port, size_t size)
{
    pthread_mutex_lock(&port->mutex);
    uint64_t begin = oldest(port);
    if (port->written - begin > size)
        begin = port->written - size;
    uint64_t position = begin;
    /* What begins in the middle of a line is passed over, unless it is all that there is. */
    while (position > 0 && position < port->written &&
           port->output[(position - 1) % CONSOLE_OUTPUT_SIZE] != '\n')
        position++;
    if (position == port->written)
        position = begin;
    pthread_mutex_unlock(&port->mutex);
    return position;
}

bool console_port_has_room(struct console_port *port, unsigned size)
{
    pthread_mutex_lock(&port->mutex);
    bool room = CONSOLE_INPUT_SIZE - port->input_length >= size;
    port->room_awaited = room ? 0 : size;
    pthread_mutex_unlock(&port->mutex);
    return room;
}

void console_port_offer(struct console_port *port, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    pthread_mutex_lock(&port->mutex);
    for (size_t i = 0; i < size && port->input_length < CONSOLE_INPUT_SIZE; i++)
        port->input[(port->input_start + port->input_length++) % CONSOLE_INPUT_SIZE] = bytes[i];
    pthread_mutex_unlock(&port->mutex);
    (void)eventfd_write(port->input_eventfd, 1);
}

bool console_port_has_input(struct console_port *port)
{
    pthread_mutex_lock(&port->mutex);
    bool there = port->input_length > 0;
    pthread_mutex_unlock(&port->mutex);
    return there;
}

/* Under the mutex. */
static size_t take(struct console_port *port, uint8_t *ret, size_t size)
{
    size_t n = size < port->input_length ? size : port->input_length;

    for (size_t i = 0; i < n; i++)
        ret[i] = port->input[(port->input_start + i) % CONSOLE_INPUT_SIZE];
    port->input_start = (unsigned)((port->input_start + n) % CONSOLE_INPUT_SIZE);
    port->input_length -= (unsigned)n;
    return n;
}

size_t console_port_take(struct console_port *port, const struct iovec *iov, unsigned n)
{
    size_t done = 0;

    pthread_mutex_lock(&port->mutex);
    for (unsigned i = 0; i < n && port->input_length > 0; i++)
        done += take(port, iov[i].iov_base, iov[i].iov_len);
    bool tell =
        port->room_awaited > 0 && CONSOLE_INPUT_SIZE - port->input_length >= port->room_awaited;
    if (tell)
        port->room_awaited = 0;
    pthread_mutex_unlock(&port->mutex);
    if (tell)
        (void)eventfd_write(port->room_eventfd, 1);
    return done;
}

bool console_port_set_size(struct console_port *port, uint16_t columns, uint16_t rows)
{
    pthread_mutex_lock(&port->mutex);
    bool changed = port->columns != columns || port->rows != rows;
    port->columns = columns;
    port->rows = rows;
    pthread_mutex_unlock(&port->mutex);
    return changed;
}

void console_port_get_size(struct console_port *port, uint16_t *ret_columns, uint16_t *ret_rows)
{
    pthread_mutex_lock(&port->mutex);
    *ret_columns = port->columns;
    *ret_rows = port->rows;
    pthread_mutex_unlock(&port->mutex);
}
