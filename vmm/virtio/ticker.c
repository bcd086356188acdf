/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ticks, by a timerfd. */
#include "vmm/virtio/ticker.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

int ticker_init(struct ticker *ticker, unsigned interval_ms,
                void (*ready)(struct event_source *source, uint32_t events))
{
    const struct timespec interval = {.tv_sec = interval_ms / 1000,
                                      .tv_nsec = (long)(interval_ms % 1000) * 1000000};
    const struct itimerspec when = {.it_value = interval, .it_interval = interval};

    *ticker = (struct ticker){
        .source = {.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
                   .ready = ready}};
    if (ticker->source.fd < 0 || timerfd_settime(ticker->source.fd, 0, &when, NULL) < 0) {
        int r = -errno;

        ticker_done(ticker);
        return r;
    }
    return 0;
}

void ticker_done(struct ticker *ticker)
{
    ticker->source.fd = close_fd(ticker->source.fd);
}

int ticker_wait(struct ticker *ticker, struct event_loop *loop)
{
    int r = ticker->waiting ? 0 : event_loop_add(loop, &ticker->source, EPOLLIN);

    ticker->waiting = r >= 0;
    return r;
}

bool ticker_heard(struct ticker *ticker)
{
    uint64_t count;

    return read(ticker->source.fd, &count, sizeof(count)) == (ssize_t)sizeof(count);
}

void ticker_stop(struct ticker *ticker, struct event_loop *loop)
{
    if (ticker->waiting)
        event_loop_remove(loop, &ticker->source);
    ticker->waiting = false;
}
