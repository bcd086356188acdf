/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The console. The guest never waits for it: a reader that is slow loses bytes, not the guest time.
 */
#include "vmm/console.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "vmm/clock.h"
#include "vmm/journal.h"
#include "vmm/log.h"

enum {
    CONSOLE_ESCAPE = 0x01,               /* Ctrl-A */
    CONSOLE_LINGER_NS = 5 * 1000 * 1000, /* how long an unfinished line waits for its end */
    CONSOLE_RETRY_NS = 50 * 1000 * 1000, /* and a reader that takes nothing, for the next try */
    CONSOLE_AT_ONCE_NS = 1,
    CONSOLE_CHUNKS_AT_ONCE = 16, /* then the event loop's other sources have their turn */
    CONSOLE_TELL_DROPPED_SEC = 10,
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
        ssize_t n = write(console->writer, console->chunk + console->chunk_start,
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

static void tell_dropped(struct console *console)
{
    console->dropped += serial_take_dropped(console->serial);
    if (console->dropped == 0)
        return;
    uint64_t ns = clock_now_ns();
    if (console->dropped_told_ns > 0 &&
        ns - console->dropped_told_ns < CONSOLE_TELL_DROPPED_SEC * CLOCK_NS_PER_SEC)
        return;
    log_warning("The console's reader is too slow: %llu bytes of the guest's output are lost",
                (unsigned long long)console->dropped);
    console->dropped = 0;
    console->dropped_told_ns = ns;
}

static void flush(struct console *console, bool force)
{
    bool linger = false;
    unsigned chunks = 0;

    for (; chunks < CONSOLE_CHUNKS_AT_ONCE; chunks++) {
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
    if (chunks == CONSOLE_CHUNKS_AT_ONCE)
        arm_timer(console, CONSOLE_AT_ONCE_NS);
    else if (linger)
        arm_timer(console, CONSOLE_LINGER_NS);
    tell_dropped(console);
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

        if (!console->terminal.raw || (!console->escaped && c != CONSOLE_ESCAPE)) {
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

/*
 * Where the guest's output goes. A journal that is slow, or a pipe that nobody reads, must not stop
 * the event loop; that needs an open file of our own, for the other one is shared with standard
 * error.
 */
static int open_writer(const char *name)
{
    struct stat st;
    char identifier[128];

    if (fstat(STDOUT_FILENO, &st) < 0)
        return STDOUT_FILENO;
    if (log_is_journal(STDOUT_FILENO)) {
        (void)snprintf(identifier, sizeof(identifier), "vm-%s", name);
        int fd = journal_open_stream(identifier);
        if (fd >= 0)
            return fd;
        log_warning("No stream to the journal for the console: %s; using standard output",
                    strerror(-fd));
    } else if (S_ISFIFO(st.st_mode)) {
        int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0)
            return fd;
    }
    return STDOUT_FILENO;
}

static int watch_terminal(struct console *console)
{
    int r = event_loop_add(console->loop, &console->input, EPOLLIN);

    if (r >= 0)
        r = terminal_set_raw(&console->terminal);
    if (r < 0)
        return log_errno(r, "Cannot use the terminal: %s", strerror(-r));
    log_notice("Console on this terminal: Ctrl-A p presses the power button, Ctrl-A x ends the VM");
    return 0;
}

int console_init(struct console *console, const char *name, struct serial *serial,
                 int output_eventfd, struct event_loop *loop,
                 void (*command)(void *context, enum console_command command), void *context)
{
    memset(console, 0, sizeof(*console));
    console->serial = serial;
    console->loop = loop;
    console->command = command;
    console->context = context;
    console->writer = open_writer(name);
    console->output = (struct event_source){.fd = output_eventfd, .ready = output_ready};
    console->input = (struct event_source){.fd = STDIN_FILENO, .ready = input_ready};
    console->timer = (struct event_source){
        .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), .ready = timer_ready};
    if (console->timer.fd < 0)
        return log_errno(-errno, "Cannot make the console's timer: %m");

    int r = event_loop_add(loop, &console->output, EPOLLIN);
    if (r >= 0)
        r = event_loop_add(loop, &console->timer, EPOLLIN);
    if (r < 0)
        return log_errno(r, "Cannot set up the console: %s", strerror(-r));
    return isatty(STDIN_FILENO) ? watch_terminal(console) : 0;
}

void console_finish(struct console *console)
{
    if (!console->serial)
        return;
    flush(console, true);
    terminal_restore(&console->terminal);
}
