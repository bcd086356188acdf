/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads and the gate where they wait. */
#include "vmm/thread.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

enum { THREAD_STACK_SIZE = 128 * 1024 };

void thread_gate_init(struct thread_gate *gate, int (*lock)(const struct filter *, void *),
                      void *context)
{
    *gate = (struct thread_gate){
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .all_here = PTHREAD_COND_INITIALIZER,
        .left_shut = PTHREAD_COND_INITIALIZER,
        .lock = lock,
        .context = context,
    };
}

void thread_gate_done(struct thread_gate *gate)
{
    pthread_cond_destroy(&gate->all_here);
    pthread_cond_destroy(&gate->left_shut);
    pthread_mutex_destroy(&gate->mutex);
}

/* Reports in, with the outcome of the lock-down, and waits. True where the thread may run. */
static bool gate_pass(struct thread_gate *gate, int locked)
{
    pthread_mutex_lock(&gate->mutex);
    if (locked < 0 && gate->failed == 0)
        gate->failed = locked;
    if (++gate->arrived == gate->awaited)
        pthread_cond_signal(&gate->all_here);
    while (gate->state == GATE_SHUT)
        pthread_cond_wait(&gate->left_shut, &gate->mutex);
    bool open = gate->state == GATE_OPEN && locked >= 0;
    pthread_mutex_unlock(&gate->mutex);
    return open;
}

int thread_gate_wait(struct thread_gate *gate, unsigned n)
{
    pthread_mutex_lock(&gate->mutex);
    gate->awaited = n;
    while (gate->arrived < n)
        pthread_cond_wait(&gate->all_here, &gate->mutex);
    int r = gate->failed;
    pthread_mutex_unlock(&gate->mutex);
    return r;
}

static void gate_leave(struct thread_gate *gate, int state)
{
    pthread_mutex_lock(&gate->mutex);
    if (gate->state == GATE_SHUT)
        gate->state = state;
    pthread_cond_broadcast(&gate->left_shut);
    pthread_mutex_unlock(&gate->mutex);
}

void thread_gate_open(struct thread_gate *gate)
{
    gate_leave(gate, GATE_OPEN);
}

void thread_gate_abandon(struct thread_gate *gate)
{
    gate_leave(gate, GATE_ABANDONED);
}

static void *thread_main(void *p)
{
    struct thread *thread = p;
    int r = 0;

    (void)prctl(PR_SET_NAME, thread->name);
    if (thread->gate->lock)
        r = thread->gate->lock(thread->filter, thread->gate->context);
    if (gate_pass(thread->gate, r))
        thread->run(thread->argument);
    return NULL;
}

int thread_start(struct thread *thread, const struct filter *filter, const char *name,
                 struct thread_gate *gate, void (*run)(void *), void *argument)
{
    pthread_attr_t attributes;
    sigset_t all, old;

    *thread = (struct thread){.filter = filter, .gate = gate, .run = run, .argument = argument};
    strncpy(thread->name, name, sizeof(thread->name) - 1);

    int r = pthread_attr_init(&attributes);
    if (r != 0)
        return -r;
#ifndef __SANITIZE_ADDRESS__
    (void)pthread_attr_setstacksize(&attributes, THREAD_STACK_SIZE);
#endif
    /* Signals are the event loop's, but for the one that tells of a forbidden system call. */
    sigfillset(&all);
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(&thread->id, &attributes, thread_main, thread);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    if (r != 0)
        return -r;
    thread->started = true;
    return 0;
}

void thread_join(struct thread *thread)
{
    if (!thread->started)
        return;
    pthread_join(thread->id, NULL);
    thread->started = false;
}
