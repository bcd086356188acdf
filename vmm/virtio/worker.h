/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device thread: waits for file descriptors, and for requests from vCPU threads. */
#pragma once

#include <stdatomic.h>

#include "vmm/event.h"
#include "vmm/thread.h"

struct worker {
    bool made;
    struct thread thread;
    struct event_loop loop;
    struct event_source request; /* an eventfd */
    atomic_uint requests;        /* bits; the three below are the worker's own */
    pthread_mutex_t mutex;       /* guards: ended, call, argument, posted, posted_argument */
    pthread_cond_t answered;
    bool ended;                   /* the thread is no more, asked for or not */
    void (*call)(void *argument); /* NULL: none is waiting */
    void *argument;
    void (*posted)(void *argument); /* NULL: none has to be done */
    void *posted_argument;
    void (*on_requests)(void *context, unsigned requests);
    void *context;
};

#define WORKER_STOP (1u << 31)
#define WORKER_CALL (1u << 30)
#define WORKER_POST (1u << 29)

/*
 * Makes the descriptors; the thread comes with worker_start(). ON_REQUESTS may be NULL where
 * nothing but calls will be asked for. 0 or -errno; worker_done() takes a zeroed one.
 */
int worker_init(struct worker *worker, void (*on_requests)(void *, unsigned), void *context);
void worker_done(struct worker *worker);

int worker_start(struct worker *worker, const struct filter *filter, const char *name,
                 struct thread_gate *gate);

/* Asks for the bits in REQUESTS, from any thread; on_requests() is then called on the worker. */
void worker_request(struct worker *worker, unsigned requests);

/*
 * Has CALL(ARGUMENT) run on the worker's thread, and waits until it did. At once where there is no
 * such thread (any more), or where it is the caller's. One caller at a time; the worker must not
 * wait for it.
 */
void worker_call(struct worker *worker, void (*call)(void *argument), void *argument);

/*
 * The same without waiting: for a thread that must not be held up by a device that is. False where
 * what was posted before has not begun yet.
 */
bool worker_post(struct worker *worker, void (*call)(void *argument), void *argument);

/* Ends the thread and waits for it. */
void worker_stop(struct worker *worker);
