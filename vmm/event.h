/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An event loop: descriptors and what is called when they are ready. One thread each. */
#pragma once

#include "vmm/cleanup.h"

/* READY is called with the epoll events; it finds what SOURCE is part of by container_of(). */
struct event_source {
    int fd;
    void (*ready)(struct event_source *source, uint32_t events);
};

struct event_loop {
    int epoll_fd;
};

int event_loop_init(struct event_loop *loop);
void event_loop_done(struct event_loop *loop);

/*
 * Waits for EVENTS (EPOLLIN …) of SOURCE, which must live as long as the loop; 0: for none, though
 * it stays known. 0 or -errno; -EPERM for a regular file, which is always ready.
 */
int event_loop_add(struct event_loop *loop, struct event_source *source, uint32_t events);
int event_loop_change(struct event_loop *loop, struct event_source *source, uint32_t events);
void event_loop_remove(struct event_loop *loop, struct event_source *source);

/* Waits once and calls what is ready. 0 or -errno; a signal is no error. */
int event_loop_wait(struct event_loop *loop);
