/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device thread: waits for file descriptors, and for requests from vCPU threads. */
#pragma once

#include <stdatomic.h>

#include "vmm/event.h"
#include "vmm/thread.h"

struct worker {
    struct thread thread;
    struct event_loop loop;
    struct event_source request; /* an eventfd */
    atomic_uint requests;        /* bits; WORKER_STOP is the worker's own */
    void (*on_requests)(void *context, unsigned requests);
    void *context;
};

#define WORKER_STOP (1u << 31)

/* Makes the descriptors; the thread comes with worker_start(). 0 or -errno. */
int worker_init(struct worker *worker, void (*on_requests)(void *, unsigned), void *context);
void worker_done(struct worker *worker);

int worker_start(struct worker *worker, const char *name, struct thread_gate *gate);

/* Asks for the bits in REQUESTS, from any thread; on_requests() is then called on the worker. */
void worker_request(struct worker *worker, unsigned requests);

/* Ends the thread and waits for it. */
void worker_stop(struct worker *worker);
