/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The event loop, on epoll. */
#include "vmm/event.h"

#include <sys/epoll.h>

enum { EVENTS_AT_ONCE = 16 };

int event_loop_init(struct event_loop *loop)
{
    *loop = (struct event_loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    return loop->epoll_fd < 0 ? -errno : 0;
}

void event_loop_done(struct event_loop *loop)
{
    loop->epoll_fd = close_fd(loop->epoll_fd);
}

static int control(struct event_loop *loop, int operation, struct event_source *source,
                   uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    return epoll_ctl(loop->epoll_fd, operation, source->fd, &event) < 0 ? -errno : 0;
}

int event_loop_add(struct event_loop *loop, struct event_source *source, uint32_t events)
{
    return control(loop, EPOLL_CTL_ADD, source, events);
}

int event_loop_change(struct event_loop *loop, struct event_source *source, uint32_t events)
{
    return control(loop, EPOLL_CTL_MOD, source, events);
}

void event_loop_remove(struct event_loop *loop, struct event_source *source)
{
    (void)control(loop, EPOLL_CTL_DEL, source, 0);
    for (int i = 0; i < loop->n_pending; i++)
        if (loop->pending[i].data.ptr == source)
            loop->pending[i].data.ptr = NULL;
}

int event_loop_wait(struct event_loop *loop)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int n = epoll_wait(loop->epoll_fd, events, EVENTS_AT_ONCE, -1);

    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    loop->pending = events;
    loop->n_pending = n;
    for (int i = 0; i < n; i++) {
        struct event_source *source = events[i].data.ptr;

        if (source)
            source->ready(source, events[i].events);
    }
    loop->n_pending = 0;
    return 0;
}
