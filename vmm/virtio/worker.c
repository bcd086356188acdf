/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The device thread's loop. */
#include "vmm/virtio/worker.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "vmm/log.h"

static void answer_call(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    if (worker->call)
        worker->call(worker->argument);
    worker->call = NULL;
    pthread_cond_signal(&worker->answered);
    pthread_mutex_unlock(&worker->mutex);
}

static void do_posted(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    void (*call)(void *) = TAKE_PTR(worker->posted);
    void *argument = worker->posted_argument;
    pthread_mutex_unlock(&worker->mutex);
    if (call)
        call(argument);
}

static void request_ready(struct event_source *source, uint32_t events)
{
    struct worker *worker = container_of(source, struct worker, request);
    eventfd_t count;

    (void)events;
    (void)eventfd_read(source->fd, &count);
    unsigned requests = atomic_exchange(&worker->requests, 0);
    if (requests & WORKER_STOP)
        atomic_fetch_or(&worker->requests, WORKER_STOP); /* the loop looks at it */
    if (requests & WORKER_CALL)
        answer_call(worker);
    if (requests & WORKER_POST)
        do_posted(worker);
    requests &= ~(WORKER_STOP | WORKER_CALL | WORKER_POST);
    if (requests && worker->on_requests)
        worker->on_requests(worker->context, requests);
}

int worker_init(struct worker *worker, void (*on_requests)(void *, unsigned), void *context)
{
    *worker = (struct worker){
        .loop.epoll_fd = -EBADF,
        .request = {.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = request_ready},
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .answered = PTHREAD_COND_INITIALIZER,
        .made = true,
        .on_requests = on_requests,
        .context = context,
    };
    int r = worker->request.fd < 0 ? -errno : event_loop_init(&worker->loop);
    if (r >= 0)
        r = event_loop_add(&worker->loop, &worker->request, EPOLLIN);
    if (r < 0)
        worker_done(worker);
    return r;
}

void worker_done(struct worker *worker)
{
    if (!worker->made)
        return;
    worker_stop(worker);
    event_loop_done(&worker->loop);
    worker->request.fd = close_fd(worker->request.fd);
    pthread_cond_destroy(&worker->answered);
    pthread_mutex_destroy(&worker->mutex);
    worker->made = false;
}

static void worker_run(void *argument)
{
    struct worker *worker = argument;

    while (!(atomic_load(&worker->requests) & WORKER_STOP)) {
        int r = event_loop_wait(&worker->loop);

        if (r < 0) {
            log_error("A device thread cannot wait for events: %s; the device stops", strerror(-r));
            break;
        }
    }
    pthread_mutex_lock(&worker->mutex);
    worker->ended = true;
    pthread_cond_signal(&worker->answered);
    pthread_mutex_unlock(&worker->mutex);
}

int worker_start(struct worker *worker, const struct filter *filter, const char *name,
                 struct thread_gate *gate)
{
    return thread_start(&worker->thread, filter, name, gate, worker_run, worker);
}

void worker_request(struct worker *worker, unsigned requests)
{
    atomic_fetch_or(&worker->requests, requests);
    (void)eventfd_write(worker->request.fd, 1);
}

void worker_call(struct worker *worker, void (*call)(void *argument), void *argument)
{
    if (!worker->thread.started || pthread_equal(pthread_self(), worker->thread.id)) {
        call(argument);
        return;
    }
    pthread_mutex_lock(&worker->mutex);
    worker->call = call;
    worker->argument = argument;
    worker_request(worker, WORKER_CALL);
    while (worker->call && !worker->ended)
        pthread_cond_wait(&worker->answered, &worker->mutex);
    if (worker->call) { /* what the thread worked on is nobody's now */
        call(argument);
        worker->call = NULL;
    }
    pthread_mutex_unlock(&worker->mutex);
}

bool worker_post(struct worker *worker, void (*call)(void *argument), void *argument)
{
    if (!worker->thread.started) {
        call(argument);
        return true;
    }
    pthread_mutex_lock(&worker->mutex);
    bool is_free = !worker->posted;
    if (is_free) {
        worker->posted = call;
        worker->posted_argument = argument;
    }
    pthread_mutex_unlock(&worker->mutex);
    if (is_free)
        worker_request(worker, WORKER_POST);
    return is_free;
}

void worker_stop(struct worker *worker)
{
    if (!worker->thread.started)
        return;
    worker_request(worker, WORKER_STOP);
    thread_join(&worker->thread);
}
