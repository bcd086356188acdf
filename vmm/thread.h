/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads that are made early, lock themselves down, and wait at a gate until the machine runs. */
#pragma once

#include <pthread.h>

#include "vmm/cleanup.h"
#include "vmm/filter.h"

/*
 * Where new threads wait. LOCK is called by each thread on itself before it reports in; the gate
 * opens once, for all of them.
 */
struct thread_gate {
    pthread_mutex_t mutex;              /* guards: arrived, awaited, failed, state */
    pthread_cond_t all_here, left_shut; /* one for who waits for the threads, one for the threads */
    unsigned arrived, awaited;
    int failed; /* first -errno of LOCK */
    enum { GATE_SHUT, GATE_OPEN, GATE_ABANDONED } state;
    int (*lock)(const struct filter *filter, void *context);
    void *context;
};

struct thread {
    pthread_t id;
    bool started;
    const struct filter *filter;
    char name[16];
    struct thread_gate *gate;
    void (*run)(void *argument);
    void *argument;
};

void thread_gate_init(struct thread_gate *gate, int (*lock)(const struct filter *, void *),
                      void *context);
void thread_gate_done(struct thread_gate *gate);

/* Waits until N threads have locked themselves down. 0, or the first thread's -errno. */
int thread_gate_wait(struct thread_gate *gate, unsigned n);

/* Lets every waiting thread run. */
void thread_gate_open(struct thread_gate *gate);

/* Sends every waiting thread home without having run. */
void thread_gate_abandon(struct thread_gate *gate);

/*
 * Makes a thread for which the gate's LOCK gets FILTER, called NAME (15 characters at most are
 * kept); it waits at GATE and then calls RUN(ARGUMENT). THREAD must stay until thread_join(). 0 or
 * -errno.
 */
int thread_start(struct thread *thread, const struct filter *filter, const char *name,
                 struct thread_gate *gate, void (*run)(void *), void *argument);

/* Waits for the thread's end; nothing for one that was not started. */
void thread_join(struct thread *thread);
