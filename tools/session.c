/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One loop of poll(2); signals come by a pipe, and interrupt a write to a terminal that is stuck.
 */
#include "tools/session.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "tools/escape.h"
#include "tools/message.h"
#include "tools/raw-terminal.h"
#include "vmm/clock.h"

enum { WAITING_MS = 2000 };

enum { GO_ON = 100 }; /* beside the ends and -errno */

struct session {
    int socket;
    const char *name;
    bool watch, attached, waiting_told;
    bool reads;  /* there is more of standard input */
    bool resize; /* the terminal's size is to be told */
    struct raw_terminal terminal;
    struct escape escape;
    size_t length; /* of the message that waits to be sent */
    uint8_t message[CONSOLE_MESSAGE_MAX];
    int signal; /* that ended it */
};

static int signal_pipe[2] = {-EBADF, -EBADF};

static void on_signal(int number)
{
    int saved = errno;
    uint8_t byte = (uint8_t)number;
    ssize_t n _unused_ = write(signal_pipe[1], &byte, 1);

    errno = saved;
}

static int catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
    struct sigaction action = {.sa_handler = on_signal}; /* calls do not go on by themselves */

    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
        struct sigaction before;

        /* nohup(1) and the like mean it. */
        if (sigaction(numbers[i], NULL, &before) < 0 || before.sa_handler == SIG_IGN)
            continue;
        (void)sigaction(numbers[i], &action, NULL);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    return 0;
}

static uint64_t now_ms(void)
{
    return clock_now_ns() / 1000000;
}

/* Writes to standard output. -EINTR where a signal came; -errno where nobody reads any more. */
static int show(const void *data, size_t size)
{
    const uint8_t *p = data;

    while (size > 0) {
        ssize_t n = write(STDOUT_FILENO, p, size);

        if (n < 0 && errno == EAGAIN) { /* somebody made it so; it is not ours alone to change */
            struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

            if (poll(&out, 1, -1) < 0)
                return -errno;
            continue;
        }
        if (n < 0)
            return -errno;
        p += n;
        size -= (size_t)n;
    }
    return 0;
}

static void tell_lost(uint64_t lost)
{
    char text[80];

    if (!isatty(STDOUT_FILENO)) {
        (void)fprintf(stderr, "volt-console: %llu bytes lost\n", (unsigned long long)lost);
        return;
    }
    int n = snprintf(text, sizeof(text), "\r\n[… %llu bytes lost]\r\n", (unsigned long long)lost);
    (void)show(text, (size_t)n);
}

static int enter(struct session *session)
{
    session->attached = true;
    if (isatty(STDIN_FILENO))
        (void)fprintf(stderr,
                      session->watch
                          ? "Watching %s. Press ^C to disconnect.\n"
                          : "Connected to %s. Press ^] three times within 1 s to disconnect.\n",
                      session->name);
    session->resize = !session->watch;
    session->reads = !session->watch;
    int r = raw_terminal_enter(&session->terminal, session->watch);
    if (r < 0)
        (void)fprintf(stderr, "volt-console: cannot use the terminal: %s\n", strerror(-r));
    return r < 0 ? r : GO_ON;
}

/* GO_ON, an end, or -errno. */
static int take_message(struct session *session)
{
    uint8_t data[CONSOLE_MESSAGE_MAX];
    ssize_t n = read(session->socket, data, sizeof(data));

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return GO_ON;
    if (n <= 0)
        return SESSION_VM_ENDED;
    const struct message message = message_read(data, (size_t)n);
    switch (message.kind) {
    case CONSOLE_HELLO:
        return session->attached ? GO_ON : enter(session);
    case CONSOLE_BUSY:
        return session->attached ? GO_ON : SESSION_BUSY;
    case CONSOLE_OUTPUT: {
        int r = session->attached ? show(message.data, message.size) : 0;

        /* A signal's own business comes next; what was to be shown then is lost. */
        return r < 0 && r != -EINTR ? SESSION_LEFT : GO_ON;
    }
    case CONSOLE_LOST:
        if (session->attached)
            tell_lost(message.lost);
        return GO_ON;
    default:
        return GO_ON;
    }
}

static void prepare_input(struct session *session, const char *data, size_t n)
{
    if (n == 0)
        return;
    session->message[0] = CONSOLE_INPUT;
    memcpy(session->message + 1, data, n);
    session->length = 1 + n;
}

static void prepare_size(struct session *session)
{
    struct winsize size;

    session->resize = false;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        return;
    message_write_size(session->message, size.ws_col, size.ws_row);
    session->length = CONSOLE_SIZE_MESSAGE;
}

static int take_input(struct session *session)
{
    char input[CONSOLE_DATA_MAX - ESCAPE_TIMES], kept[CONSOLE_DATA_MAX];
    bool leave = false;
    ssize_t n = read(STDIN_FILENO, input, sizeof(input));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return GO_ON;
    if (n <= 0) {
        session->reads = false;
        return GO_ON;
    }
    if (!session->terminal.raw) {
        prepare_input(session, input, (size_t)n);
        return GO_ON;
    }
    size_t length = escape_filter(&session->escape, now_ms(), input, (size_t)n, kept, &leave);
    if (leave)
        return SESSION_LEFT;
    /* A guest that takes nothing must not keep a person in: what does not fit is lost. */
    if (session->length == 0)
        prepare_input(session, kept, length);
    return GO_ON;
}

static int send_message(struct session *session)
{
    ssize_t n = write(session->socket, session->message, session->length);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return GO_ON;
    session->length = 0;
    return GO_ON; /* an end shows when it is read from */
}

static void suspend(struct session *session)
{
    bool raw = session->terminal.raw;

    raw_terminal_leave(&session->terminal);
    (void)kill(getpid(), SIGSTOP);
    if (raw)
        (void)raw_terminal_enter(&session->terminal, session->watch);
    session->resize = session->attached && !session->watch;
}

static int take_signal(struct session *session)
{
    uint8_t number;

    if (read(signal_pipe[0], &number, 1) != 1)
        return GO_ON;
    if (number == SIGWINCH) {
        session->resize = session->attached && !session->watch;
        return GO_ON;
    }
    if (number == SIGTSTP) {
        suspend(session);
        return GO_ON;
    }
    session->signal = number;
    return SESSION_SIGNALLED;
}

/* What has to be sent, where nothing else is on its way. */
static void prepare(struct session *session)
{
    static const char keys[ESCAPE_TIMES] = {ESCAPE_KEY, ESCAPE_KEY, ESCAPE_KEY};

    if (!session->attached || session->length > 0)
        return;
    if (session->resize)
        prepare_size(session);
    else
        prepare_input(session, keys, escape_expire(&session->escape, now_ms()));
}

static int timeout_of(const struct session *session)
{
    if (!session->attached)
        return session->waiting_told ? -1 : WAITING_MS;
    return session->length > 0 ? -1 : escape_timeout(&session->escape, now_ms());
}

static int turn(struct session *session)
{
    bool types = session->reads && (session->terminal.raw || session->length == 0);
    struct pollfd fds[] = {
        {.fd = signal_pipe[0], .events = POLLIN},
        {.fd = session->socket, .events = (short)(POLLIN | (session->length > 0 ? POLLOUT : 0))},
        {.fd = types ? STDIN_FILENO : -1, .events = POLLIN},
    };
    int r = poll(fds, ELEMENTSOF(fds), timeout_of(session));

    if (r < 0)
        return GO_ON; /* a signal; the pipe has it */
    if (r == 0 && !session->attached) {
        (void)fprintf(stderr, "Waiting for %s, which takes its time to answer (^C gives up).\n",
                      session->name);
        session->waiting_told = true;
    }
    r = GO_ON;
    if (fds[0].revents)
        r = take_signal(session);
    if (r == GO_ON && (fds[1].revents & POLLOUT))
        r = send_message(session);
    if (r == GO_ON && fds[2].revents)
        r = take_input(session);
    if (r == GO_ON && (fds[1].revents & ~POLLOUT))
        r = take_message(session);
    return r;
}

int session_run(int socket, const char *name, bool watch, int *ret_signal)
{
    struct session session = {.socket = socket, .name = name, .watch = watch};

    int r = catch_signals();
    if (r < 0) {
        (void)fprintf(stderr, "volt-console: cannot wait for signals: %s\n", strerror(-r));
        return r;
    }
    for (r = GO_ON; r == GO_ON;) {
        prepare(&session);
        if (session.attached && !watch && !session.reads && session.length == 0)
            r = SESSION_LEFT; /* all that there was to type is typed */
        else
            r = turn(&session);
    }
    raw_terminal_leave(&session.terminal);
    if (r == SESSION_VM_ENDED && !session.attached) {
        (void)fprintf(stderr, "volt-console: %s ended before it answered\n", name);
        r = -EPIPE;
    }
    *ret_signal = session.signal;
    return r;
}
