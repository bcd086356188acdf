/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An event loop: descriptors and what is called when they are ready. One thread each. */
#pragma once

#include "vmm/cleanup.h"

struct epoll_event;

/* READY is called with the epoll events; it finds what SOURCE is part of by container_of(). */
struct event_source {
    int fd;
    void (*ready)(struct event_source *source, uint32_t events);
};

struct event_loop {
    int epoll_fd;
    /* What event_loop_wait() was told and has not called yet. */
    struct epoll_event *pending;
    int n_pending;
};

int event_loop_init(struct event_loop *loop);
void event_loop_done(struct event_loop *loop);

/*
 * Waits for EVENTS (EPOLLIN …) of SOURCE, which must live as long as the loop; 0: for none, though
 * it stays known. 0 or -errno; -EPERM for a regular file, which is always ready.
 */
int event_loop_add(struct event_loop *loop, struct event_source *source, uint32_t events);
int event_loop_change(struct event_loop *loop, struct event_source *source, uint32_t events);

/* SOURCE is not called after this, also where it was ready already. Nothing for one not in LOOP. */
void event_loop_remove(struct event_loop *loop, struct event_source *source);

/* Waits once and calls what is ready. 0 or -errno; a signal is no error. */
int event_loop_wait(struct event_loop *loop);
