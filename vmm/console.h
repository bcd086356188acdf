/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The serial port's other end: a stream of its own to the journal, or standard output; and standard
 * input where that is a terminal.
 */
#pragma once

#include "vmm/bus/serial.h"
#include "vmm/event.h"
#include "vmm/terminal.h"

enum { CONSOLE_CHUNK = 4096 };

/* What a person asks for after the escape character, Ctrl-A. */
enum console_command {
    CONSOLE_POWER_BUTTON, /* p */
    CONSOLE_QUIT,         /* x */
};

struct console {
    struct serial *serial; /* borrowed */
    struct event_loop *loop;
    struct event_source output, input, timer; /* the timer's descriptor is owned */
    int writer;                               /* owned, unless it is standard output */
    char chunk[CONSOLE_CHUNK];
    size_t chunk_start, chunk_length;
    uint64_t dropped, dropped_told_ns; /* lost output, and when that was last told */
    bool escaped;
    struct terminal terminal;
    void (*command)(void *context, enum console_command command);
    void *context;
};

/*
 * OUTPUT_EVENTFD is the serial port's; NAME is the VM's, and marks its lines in the journal
 * ("vm-NAME"). Puts a terminal into raw mode. 0 or -errno; logs.
 */
int console_init(struct console *console, const char *name, struct serial *serial,
                 int output_eventfd, struct event_loop *loop,
                 void (*command)(void *context, enum console_command command), void *context);

/* Writes out what is left, as far as it goes without waiting, and gives the terminal back. */
void console_finish(struct console *console);
