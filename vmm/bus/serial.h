/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A 16550A serial port: the guest's console. */
#pragma once

#include <pthread.h>

#include "vmm/bus/bus.h"

enum {
    SERIAL_OUTPUT_SIZE = 64 * 1024,
    SERIAL_INPUT_SIZE = 1024,
};

/* The registers, and the bytes on their way: what the port is. */
struct serial_state {
    uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
    bool overrun;
    bool transmit_interrupt; /* holding register emptied since the last look at IIR */
    uint8_t input[SERIAL_INPUT_SIZE];
    unsigned input_start, input_length;
};

/*
 * The guest never waits for the output's reader: when OUTPUT is full, bytes are dropped and
 * counted.
 */
struct serial {
    pthread_mutex_t mutex; /* guards: state, output*, dropped, line_up, reader_lingers */
    struct serial_state state;
    unsigned output_start, output_length;
    uint64_t dropped;
    bool line_up;
    bool reader_lingers;             /* the reader waits for the line's end; wake it at that */
    int irq_eventfd;                 /* borrowed: raises the port's GSI */
    int output_eventfd;              /* borrowed: says that output waits */
    char output[SERIAL_OUTPUT_SIZE]; /* last, and untouched until the guest writes */
};

void serial_init(struct serial *serial, int irq_eventfd, int output_eventfd);
void serial_done(struct serial *serial);

/* Claims the serial port's I/O ports of PORTS. SERIAL must outlive it. 0 or -errno. */
int serial_attach(struct serial *serial, struct bus *ports);

/*
 * Takes up to SIZE bytes of output. The reader calls it when output_eventfd is signalled.
 * *RET_LINGER is set where the output does not end a line: the reader then calls again soon (or at
 * the next signal), so that a line is written in one piece. Nothing is taken in that case unless
 * FORCE or much has gathered.
 */
size_t serial_take_output(struct serial *serial, char *ret, size_t size, bool force,
                          bool *ret_linger);

/* Offers input; returns how many of the N bytes were taken. Callable from every thread. */
size_t serial_offer_input(struct serial *serial, const void *data, size_t n);

/* Bytes dropped since the last call. */
uint64_t serial_take_dropped(struct serial *serial);
