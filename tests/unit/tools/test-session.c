/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session at a pseudo-terminal, or at pipes, with the test for a VMM. */
#include "tools/session.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>

#include "tests/unit/vmm/test.h"
#include "vmm/console-protocol.h"

enum { SIGNALLED = 50 };

static const int ending_signals[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};

static struct {
    int terminal, slave; /* the person's side, and what the session has */
    int vmm;             /* the VMM's side of the socket */
    pid_t session;
    struct termios before;
} world;

/* The session's end is its exit status. */
static void start(int in, int out, bool watch)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    world.session = fork();
    assert_true(world.session >= 0);
    if (world.session == 0) {
        int number = 0;

        if (in == world.slave) {
            (void)setsid();
            (void)ioctl(in, TIOCSCTTY, 0);
        }
        (void)dup2(in, STDIN_FILENO);
        (void)dup2(out, STDOUT_FILENO);
        (void)dup2(out, STDERR_FILENO);
        (void)dup2(pair[1], 3);
        (void)close_range(4, UINT32_MAX, 0); /* the other ends among them */
        (void)fcntl(3, F_SETFL, O_NONBLOCK);
        int r = session_run(3, "web", watch, &number);
        (void)tcdrain(STDOUT_FILENO);
        _exit(r == SESSION_SIGNALLED ? SIGNALLED + number : r < 0 ? 99 : r);
    }
    close_fd(pair[1]);
    world.vmm = pair[0];
}

static int setup(void **state _unused_)
{
    const struct winsize size = {.ws_col = 77, .ws_row = 33};

    world.terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (world.terminal < 0 || grantpt(world.terminal) < 0 || unlockpt(world.terminal) < 0)
        return -1;
    world.slave = open(ptsname(world.terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (world.slave < 0 || ioctl(world.slave, TIOCSWINSZ, &size) < 0)
        return -1;
    return tcgetattr(world.slave, &world.before);
}

static int teardown(void **state _unused_)
{
    world.vmm = close_fd(world.vmm);
    world.slave = close_fd(world.slave);
    world.terminal = close_fd(world.terminal);
    return 0;
}

static bool ready(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    return poll(&poll_fd, 1, 10000) == 1;
}

/* Waits until TEXT comes from FD. */
static void expect_text(int fd, const char *text)
{
    static char seen[65536];
    size_t n = 0;

    do {
        assert_true(n < sizeof(seen) - 1 && ready(fd));
        ssize_t part = read(fd, seen + n, sizeof(seen) - 1 - n);
        assert_true(part > 0);
        n += (size_t)part;
        seen[n] = '\0';
    } while (!strstr(seen, text));
}

/* The next message to the VMM is of these N bytes. */
static void expect_message(const void *bytes, size_t n)
{
    uint8_t message[CONSOLE_MESSAGE_MAX];

    assert_true(ready(world.vmm));
    assert_int_equal(read(world.vmm, message, sizeof(message)), n);
    assert_memory_equal(message, bytes, n);
}

static void say(const char *bytes, size_t n)
{
    assert_int_equal(write(world.vmm, bytes, n), n);
}

static void type(const char *text)
{
    assert_int_equal(write(world.terminal, text, strlen(text)), strlen(text));
}

static void expect_end(int wanted)
{
    struct termios after;
    int status;

    assert_int_equal(waitpid(world.session, &status, 0), world.session);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), wanted);
    assert_int_equal(tcgetattr(world.slave, &after), 0);
    assert_int_equal(after.c_lflag, world.before.c_lflag);
    assert_int_equal(after.c_iflag, world.before.c_iflag);
    assert_int_equal(after.c_oflag, world.before.c_oflag);
}

static void expect_size(uint8_t columns, uint8_t rows)
{
    const uint8_t message[] = {CONSOLE_SIZE, columns, 0, rows, 0};

    expect_message(message, sizeof(message));
}

static void attach_person(void)
{
    start(world.slave, world.slave, false);
    say("h\x01", 2);
    expect_text(world.terminal, "Connected to web. Press ^] three times within 1 s to disconnect.");
    expect_size(77, 33);
}

static void test_a_person_talks_and_leaves(void **state _unused_)
{
    const struct winsize size = {.ws_col = 100, .ws_row = 40};
    struct termios raw;

    attach_person();
    assert_int_equal(tcgetattr(world.slave, &raw), 0);
    assert_false(raw.c_lflag & (ICANON | ECHO | ISIG));
    type("ls\r\x03");
    expect_message("ils\r\x03", 5);
    say("ofile  other\r\n", 14);
    expect_text(world.terminal, "file  other\r\n");
    say("l\x07\0\0\0\0\0\0\0", 9);
    expect_text(world.terminal, "[… 7 bytes lost]");
    say("?later", 6);
    assert_int_equal(ioctl(world.terminal, TIOCSWINSZ, &size), 0);
    expect_size(100, 40);
    type("\x1d\x1d");
    expect_message("i\x1d\x1d", 3); /* it took too long */
    type("\x1d\x1d\x1d");
    expect_end(SESSION_LEFT);
    expect_text(world.terminal, "\033[?25h"); /* what the guest may have hidden */
}

static void test_the_vm_ends(void **state _unused_)
{
    attach_person();
    say("obye", 4);
    world.vmm = close_fd(world.vmm);
    expect_end(SESSION_VM_ENDED);
    expect_text(world.terminal, "bye");
}

static void test_signals_give_the_terminal_back(void **state _unused_)
{
    for (size_t i = 0; i < ELEMENTSOF(ending_signals); i++) {
        attach_person();
        assert_int_equal(kill(world.session, ending_signals[i]), 0);
        expect_end(SIGNALLED + ending_signals[i]);
        world.vmm = close_fd(world.vmm);
    }
}

static void test_stop_and_go_on(void **state _unused_)
{
    struct termios now;
    int status;

    attach_person();
    assert_int_equal(kill(world.session, SIGTSTP), 0);
    assert_int_equal(waitpid(world.session, &status, WUNTRACED), world.session);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(tcgetattr(world.slave, &now), 0);
    assert_int_equal(now.c_lflag, world.before.c_lflag);
    assert_int_equal(kill(world.session, SIGCONT), 0);
    expect_size(77, 33);
    assert_int_equal(tcgetattr(world.slave, &now), 0);
    assert_false(now.c_lflag & ICANON);
    type("\x1d\x1d\x1d");
    expect_end(SESSION_LEFT);
}

/* The guest takes nothing: the way out is open all the same. */
static void test_a_stuck_guest_keeps_nobody(void **state _unused_)
{
    attach_person();
    for (unsigned i = 0; i < 2000; i++)
        type("many words that nobody reads, again and again and again, one line after the other\r");
    type("\x1d\x1d\x1d");
    expect_end(SESSION_LEFT);
}

static void test_a_watcher_types_nothing(void **state _unused_)
{
    start(world.slave, world.slave, true);
    say("h\x01", 2);
    expect_text(world.terminal, "Watching web. Press ^C to disconnect.");
    type("ls\r");
    say("oshown", 6);
    expect_text(world.terminal, "shown");
    type("\x03");
    expect_end(SIGNALLED + SIGINT);
    uint8_t byte;
    assert_int_equal(read(world.vmm, &byte, 1), 0);
}

static void test_a_script(void **state _unused_)
{
    int in[2], out[2];

    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    start(in[0], out[1], false);
    close_fd(in[0]);
    close_fd(out[1]);
    assert_int_equal(write(in[1], "echo \x1d\x1d\x1d\n", 9), 9);
    say("h\x01", 2);
    expect_message("iecho \x1d\x1d\x1d\n", 10); /* no way out, but what a script wants to say */
    say("oanswer", 7);
    expect_text(out[0], "answer");
    assert_int_equal(write(in[1], "last", 4), 4);
    close_fd(in[1]);
    expect_message("ilast", 5);
    expect_end(SESSION_LEFT);
    close_fd(out[0]);
}

static void test_no_welcome(void **state _unused_)
{
    start(world.slave, world.slave, false);
    say("b", 1);
    expect_end(SESSION_BUSY);
    world.vmm = close_fd(world.vmm);

    start(world.slave, world.slave, false);
    say("obefore the welcome", 19);
    world.vmm = close_fd(world.vmm);
    expect_text(world.terminal, "web ended before it answered");
    expect_end(99);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_a_person_talks_and_leaves),
        TEST(test_the_vm_ends),
        TEST(test_signals_give_the_terminal_back),
        TEST(test_stop_and_go_on),
        TEST(test_a_stuck_guest_keeps_nobody),
        TEST(test_a_watcher_types_nothing),
        TEST(test_a_script),
        TEST(test_no_welcome),
    };

    /* Who runs the tests may ignore some, and a session goes on ignoring what it finds ignored. */
    for (size_t i = 0; i < ELEMENTSOF(ending_signals); i++)
        (void)signal(ending_signals[i], SIG_DFL);
    (void)alarm(100);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
