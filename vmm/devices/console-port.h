/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guest's console and the people at it share: two bounded buffers and the terminal's size.
 * The device's thread is on one side, the main thread on the other, and neither waits.
 */
#pragma once

#include <pthread.h>
#include <sys/uio.h>

#include "vmm/cleanup.h"

enum {
    /* What is kept of the output: for whoever attaches later, and whoever reads slowly. */
    CONSOLE_OUTPUT_SIZE = 256 * 1024,
    CONSOLE_INPUT_SIZE = 16 * 1024,
};

struct console_port {
    pthread_mutex_t mutex; /* guards all but the descriptors */
    uint8_t output[CONSOLE_OUTPUT_SIZE];
    uint64_t written;    /* bytes, of which the last ones are in OUTPUT */
    bool output_awaited; /* somebody has read all of it */
    uint8_t input[CONSOLE_INPUT_SIZE];
    unsigned input_start, input_length;
    unsigned room_awaited; /* how many bytes, by the main thread; 0: it does not wait */
    uint16_t columns, rows;
    /* Owned eventfds, edges of which count: nobody needs to read them. */
    int output_eventfd; /* output for those who wait; to the main thread */
    int room_eventfd;   /* room for input again; to the main thread */
    int input_eventfd;  /* input; to the device's thread */
};

/* 0 or -errno; console_port_done() takes a half-built one. */
int console_port_init(struct console_port *port);
void console_port_done(struct console_port *port);

/* The guest's output; of more than CONSOLE_OUTPUT_SIZE only the end is looked at. */
void console_port_write(struct console_port *port, const struct iovec *iov, unsigned n);

/*
 * Reads up to SIZE bytes from *POSITION on, and moves it. Where they were overwritten by now: 0,
 * with their number in *RET_LOST. 0 with none lost: there is nothing more, output_eventfd will
 * tell.
 */
size_t console_port_read(struct console_port *port, uint64_t *position, void *ret, size_t size,
                         uint64_t *ret_lost);

/* Where to begin to read for the last SIZE bytes, less what would be half a line. */
uint64_t console_port_history(struct console_port *port, size_t size);

/* Whether there is room for SIZE bytes of input; where not, room_eventfd will tell. */
bool console_port_has_room(struct console_port *port, unsigned size);

/* Input for the guest, for which there is room. */
void console_port_offer(struct console_port *port, const void *data, size_t size);

bool console_port_has_input(struct console_port *port);
/* Moves input to the buffers; how many bytes. */
size_t console_port_take(struct console_port *port, const struct iovec *iov, unsigned n);

/* Returns whether it changed. */
bool console_port_set_size(struct console_port *port, uint16_t columns, uint16_t rows);
void console_port_get_size(struct console_port *port, uint16_t *ret_columns, uint16_t *ret_rows);
