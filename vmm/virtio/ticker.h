/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tick that is waited for now and then, and costs nothing in between: not even a call to arm it.
 */
#pragma once

#include "vmm/event.h"

/*
 * A periodic timer that nobody reads goes off once and sleeps until it is read. It is armed when it
 * is made, before the lock-down; to wait for a tick is to look at it.
 */
struct ticker {
    struct event_source source;
    bool waiting;
};

/* READY is called once for each ticker_wait(), when a multiple of INTERVAL_MS has come. 0 or
 * -errno; ticker_done() takes one that is zeroed but for a source.fd of -EBADF. */
int ticker_init(struct ticker *ticker, unsigned interval_ms,
                void (*ready)(struct event_source *source, uint32_t events));
void ticker_done(struct ticker *ticker);

/* Waits in LOOP for the next tick, which may be one that nobody waited for. 0 or -errno. */
int ticker_wait(struct ticker *ticker, struct event_loop *loop);

/* To be called first by READY: the tick has been heard. False where it has not come. */
bool ticker_heard(struct ticker *ticker);

/* Waits no longer. Nothing where it does not wait. */
void ticker_stop(struct ticker *ticker, struct event_loop *loop);
