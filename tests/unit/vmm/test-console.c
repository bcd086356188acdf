/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The serial port's other end: standard output as a pipe, standard input as a terminal. */
#include "vmm/console.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <termios.h>

#include "test.h"
#include "vmm/bus/platform.h"

static struct {
    struct serial serial;
    struct bus ports;
    struct console console;
    struct event_loop loop;
    int irq, output; /* eventfds */
    int saved[2];    /* standard input and output of the test */
    int reader;      /* of the console's output */
    int terminal, slave;
    unsigned commands[2];
} world;

static void on_command(void *context _unused_, enum console_command command)
{
    world.commands[command]++;
}

/* INPUT becomes standard input; standard output is a pipe. */
static void start(int input)
{
    int out[2];

    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    world.saved[0] = dup(STDIN_FILENO);
    world.saved[1] = dup(STDOUT_FILENO);
    assert_true(dup2(input, STDIN_FILENO) >= 0 && dup2(out[1], STDOUT_FILENO) >= 0);
    close_fd(out[1]);
    world.reader = out[0];
    world.irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    world.output = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_int_equal(event_loop_init(&world.loop), 0);
    serial_init(&world.serial, world.irq, world.output);
    assert_int_equal(serial_attach(&world.serial, &world.ports), 0);
    struct capture capture = capture_start();
    int r = console_init(&world.console, "web", &world.serial, world.output, &world.loop,
                         on_command, NULL);
    free(capture_end(&capture));
    assert_int_equal(r, 0);
}

static int setup(void **state _unused_)
{
    memset(&world, 0, sizeof(world));
    world.terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (world.terminal < 0 || grantpt(world.terminal) < 0 || unlockpt(world.terminal) < 0)
        return -1;
    world.slave = open(ptsname(world.terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    return world.slave < 0 ? -1 : 0;
}

static int teardown(void **state _unused_)
{
    int *fds[] = {&world.irq, &world.output, &world.reader, &world.terminal, &world.slave};

    (void)dup2(world.saved[0], STDIN_FILENO);
    (void)dup2(world.saved[1], STDOUT_FILENO);
    close_fd(world.saved[0]);
    close_fd(world.saved[1]);
    close_fd(world.console.timer.fd);
    event_loop_done(&world.loop);
    serial_done(&world.serial);
    for (size_t i = 0; i < ELEMENTSOF(fds); i++)
        *fds[i] = close_fd(*fds[i]);
    return 0;
}

static void guest_writes(const char *text)
{
    for (; *text; text++)
        bus_write(&world.ports, PLATFORM_PORT_SERIAL, text, 1);
}

/* Turns the loop until the reader has something, and returns that. */
static const char *next_output(void)
{
    static char text[4096];
    struct pollfd fds[] = {{.fd = world.reader, .events = POLLIN},
                           {.fd = world.loop.epoll_fd, .events = POLLIN}};

    for (unsigned i = 0; i < 1000; i++) {
        assert_true(poll(fds, 2, 10000) > 0);
        if (fds[0].revents) {
            ssize_t n = read(world.reader, text, sizeof(text) - 1);

            assert_true(n > 0);
            text[n] = '\0';
            return text;
        }
        assert_int_equal(event_loop_wait(&world.loop), 0);
    }
    fail();
    return NULL;
}

static void test_lines_come_in_one_piece(void **state _unused_)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    start(null);
    close_fd(null);
    guest_writes("half a ");
    assert_int_equal(event_loop_wait(&world.loop), 0);
    guest_writes("line\n");
    assert_string_equal(next_output(), "half a line\n");
    guest_writes("login: "); /* whose end nobody waits for long */
    assert_string_equal(next_output(), "login: ");
}

/* Nobody reads: the event loop goes on, and what is lost is told. */
static void test_a_stuck_reader_holds_up_nothing(void **state _unused_)
{
    static char line[101];
    struct pollfd ready = {.events = POLLIN};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    start(null);
    close_fd(null);
    (void)memset(line, 'x', 99);
    line[99] = '\n';
    struct capture capture = capture_start();
    ready.fd = world.loop.epoll_fd;
    for (unsigned i = 0; i < 3000; i++) {
        guest_writes(line);
        while (poll(&ready, 1, 0) > 0)
            assert_int_equal(event_loop_wait(&world.loop), 0);
    }
    assert_int_equal(fcntl(world.reader, F_SETFL, O_NONBLOCK), 0);
    for (unsigned i = 0; i < 10; i++) { /* it reads again */
        while (read(world.reader, line, 100) > 0)
            ;
        if (poll(&ready, 1, 200) > 0)
            assert_int_equal(event_loop_wait(&world.loop), 0);
    }
    console_finish(&world.console);
    char *text = capture_end(&capture);
    assert_non_null(strstr(text, "The console's reader is too slow: "));
    free(text);
}

static void type(const char *keys, size_t n)
{
    assert_int_equal(write(world.terminal, keys, n), n);
    assert_int_equal(event_loop_wait(&world.loop), 0);
}

static char guest_reads(void)
{
    char byte = 0;

    bus_read(&world.ports, PLATFORM_PORT_SERIAL, &byte, 1);
    return byte;
}

static void test_a_terminal_is_the_guests(void **state _unused_)
{
    struct termios before, now;

    assert_int_equal(tcgetattr(world.slave, &before), 0);
    start(world.slave);
    assert_int_equal(tcgetattr(world.slave, &now), 0);
    assert_false(now.c_lflag & (ICANON | ECHO | ISIG));
    type("a\x03", 2);
    assert_int_equal(guest_reads(), 'a');
    assert_int_equal(guest_reads(), 3);
    type("\x01", 1);
    type("p\x01x\x01\x01\x01?b", 8);
    assert_int_equal(world.commands[CONSOLE_POWER_BUTTON], 1);
    assert_int_equal(world.commands[CONSOLE_QUIT], 1);
    assert_int_equal(guest_reads(), 1);
    assert_int_equal(guest_reads(), 'b');
    console_finish(&world.console);
    assert_int_equal(tcgetattr(world.slave, &now), 0);
    assert_int_equal(now.c_lflag, before.c_lflag);
    assert_int_equal(now.c_iflag, before.c_iflag);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_lines_come_in_one_piece),
        TEST(test_a_stuck_reader_holds_up_nothing),
        TEST(test_a_terminal_is_the_guests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
