/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The console. The guest never waits for it: a reader that is slow loses bytes, not the guest time. */
#include "vmm/console.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "vmm/log.h"

enum {
    CONSOLE_ESCAPE = 0x01,               /* Ctrl-A */
    CONSOLE_LINGER_NS = 5 * 1000 * 1000, /* how long an unfinished line waits for its end */
    CONSOLE_RETRY_NS = 50 * 1000 * 1000, /* and a reader that takes nothing, for the next try */
};

static void arm_timer(struct console *console, long ns)
{
    const struct itimerspec when = {.it_value.tv_nsec = ns};

    (void)timerfd_settime(console->timer.fd, 0, &when, NULL);
}

/* Writes the chunk. False where the reader takes no more for now. */
static bool write_chunk(struct console *console)
{
    while (console->chunk_start < console->chunk_length) {
        ssize_t n = write(STDOUT_FILENO, console->chunk + console->chunk_start,
                          console->chunk_length - console->chunk_start);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return false;
        /* A reader that is gone for good must not hold the guest's output: it is dropped. */
        console->chunk_start = n < 0 ? console->chunk_length : console->chunk_start + (size_t)n;
    }
    return true;
}

static void flush(struct console *console, bool force)
{
    bool linger = false;

    for (;;) {
        if (!write_chunk(console)) {
            arm_timer(console, CONSOLE_RETRY_NS);
            return;
        }
        console->chunk_start = 0;
        console->chunk_length = serial_take_output(console->serial, console->chunk,
                                                   sizeof(console->chunk), force, &linger);
        if (console->chunk_length == 0)
            break;
    }
    if (linger)
        arm_timer(console, CONSOLE_LINGER_NS);
    uint64_t dropped = serial_take_dropped(console->serial);
    if (dropped > 0)
        log_warning("The console's reader is too slow: %llu bytes of the guest's output are lost",
                    (unsigned long long)dropped);
}

static void drain(const struct event_source *source)
{
    uint64_t count;
    ssize_t n _unused_ = read(source->fd, &count, sizeof(count));
}

static void output_ready(struct event_source *source, uint32_t events)
{
    (void)events;
    drain(source);
    flush(container_of(source, struct console, output), false);
}

static void timer_ready(struct event_source *source, uint32_t events)
{
    (void)events;
    drain(source);
    flush(container_of(source, struct console, timer), true);
}

/* Takes the escape sequences out of INPUT, in place. Returns what is the guest's. */
static size_t take_commands(struct console *console, char *input, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        char c = input[i];

        if (!console->terminal || (!console->escaped && c != CONSOLE_ESCAPE)) {
            input[kept++] = c;
        } else if (!console->escaped) {
            console->escaped = true;
        } else {
            console->escaped = false;
            if (c == CONSOLE_ESCAPE)
                input[kept++] = c;
            else if (c == 'p')
                console->command(console->context, CONSOLE_POWER_BUTTON);
            else if (c == 'x')
                console->command(console->context, CONSOLE_QUIT);
        }
    }
    return kept;
}

static void input_ready(struct event_source *source, uint32_t events)
{
    struct console *console = container_of(source, struct console, input);
    char input[256];

    (void)events;
    ssize_t n = read(source->fd, input, sizeof(input));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { /* the end of input is not the end of the guest */
        event_loop_remove(console->loop, source);
        return;
    }
    size_t kept = take_commands(console, input, (size_t)n);
    (void)serial_offer_input(console->serial, input, kept);
}

static int set_raw(struct console *console)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &console->saved) < 0)
        return log_errno(-errno, "Cannot read the terminal's settings: %m");
    raw = console->saved;
    cfmakeraw(&raw);
    raw.c_oflag |= OPOST | ONLCR; /* our own messages still start at the left */
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
        return log_errno(-errno, "Cannot put the terminal into raw mode: %m");
    console->terminal = true;
    log_notice("Console on this terminal: Ctrl-A p presses the power button, Ctrl-A x ends the VM");
    return 0;
}

/* A socket or pipe that nobody reads must not stop the event loop. */
static int set_nonblocking(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISSOCK(st.st_mode) && !S_ISFIFO(st.st_mode))
        return 0;
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int console_init(struct console *console, struct serial *serial, int output_eventfd,
                 struct event_loop *loop,
                 void (*command)(void *context, enum console_command command), void *context)
{
    memset(console, 0, sizeof(*console));
    console->serial = serial;
    console->loop = loop;
    console->command = command;
    console->context = context;
    console->output = (struct event_source){.fd = output_eventfd, .ready = output_ready};
    console->input = (struct event_source){.fd = STDIN_FILENO, .ready = input_ready};
    console->timer = (struct event_source){
        .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), .ready = timer_ready};
    if (console->timer.fd < 0)
        return log_errno(-errno, "Cannot make the console's timer: %m");

    int r = set_nonblocking(STDOUT_FILENO);
    if (r >= 0)
        r = event_loop_add(loop, &console->output, EPOLLIN);
    if (r >= 0)
        r = event_loop_add(loop, &console->timer, EPOLLIN);
    if (r < 0)
        return log_errno(r, "Cannot set up the console: %s", strerror(-r));
    if (!isatty(STDIN_FILENO))
        return 0;
    r = event_loop_add(loop, &console->input, EPOLLIN);
    if (r < 0)
        return log_errno(r, "Cannot read from the terminal: %s", strerror(-r));
    return set_raw(console);
}

void console_finish(struct console *console)
{
    if (!console->serial)
        return;
    flush(console, true);
    if (console->terminal)
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &console->saved);
    console->terminal = false;
}
