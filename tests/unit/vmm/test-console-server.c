/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The people at the console: real sockets, a device without a driver, and the event loop by hand.
 */
#include "vmm/console-server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "device-world.h"

static struct world *world;
static struct console_device *console;
static struct console_server server;
static struct event_loop loop;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static uint8_t message[CONSOLE_MESSAGE_MAX];

static int setup(void **state _unused_)
{
    char argument[128];

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/volt-test-%d.console",
                   getpid());
    (void)unlink(address.sun_path);
    (void)snprintf(argument, sizeof(argument), "hvc0,listen=%s", address.sun_path);
    world = world_new(console_create, argument, -EBADF);
    console = console_device_of(world->device);
    return event_loop_init(&loop) < 0 || console_server_init(&server, console, &loop) < 0;
}

static int teardown(void **state _unused_)
{
    console_server_finish(&server);
    event_loop_done(&loop);
    world_free(world);
    return unlink(address.sun_path);
}

/* Lets the loop do all that it can without waiting. */
static void run(void)
{
    struct pollfd ready = {.fd = loop.epoll_fd, .events = POLLIN};

    for (unsigned i = 0; poll(&ready, 1, 0) > 0; i++) {
        assert_true(i < 10000); /* else it would turn for ever */
        assert_int_equal(event_loop_wait(&loop), 0);
    }
}

static int attach_client(void)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    run();
    return fd;
}

/* The next message, or 0. */
static size_t next(int fd)
{
    ssize_t n = read(fd, message, sizeof(message));

    return n > 0 ? (size_t)n : 0;
}

static void expect_hello(int fd)
{
    assert_int_equal(next(fd), 2);
    assert_int_equal(message[0], CONSOLE_HELLO);
    assert_int_equal(message[1], CONSOLE_PROTOCOL_VERSION);
}

static void expect_output(int fd, const char *text)
{
    assert_int_equal(next(fd), 1 + strlen(text));
    assert_int_equal(message[0], CONSOLE_OUTPUT);
    assert_memory_equal(message + 1, text, strlen(text));
}

static void guest_writes(const char *text)
{
    const struct iovec iov = {.iov_base = (void *)text, .iov_len = strlen(text)};

    console_port_write(&console->port, &iov, 1);
}

/* What the guest would read, as a string. */
static const char *guest_reads(void)
{
    static char text[CONSOLE_INPUT_SIZE + 1];
    const struct iovec iov = {.iov_base = text, .iov_len = CONSOLE_INPUT_SIZE};

    text[console_port_take(&console->port, &iov, 1)] = '\0';
    return text;
}

static unsigned count_clients(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < CONSOLE_CLIENTS_MAX; i++)
        n += server.clients[i].source.fd >= 0;
    return n;
}

static void test_all_see_the_output_and_each_may_type(void **state _unused_)
{
    int a, b;

    guest_writes("before\n");
    a = attach_client();
    expect_hello(a);
    expect_output(a, "before\n");
    b = attach_client();
    expect_hello(b);
    expect_output(b, "before\n");
    guest_writes("now\n");
    run();
    expect_output(a, "now\n");
    expect_output(b, "now\n");
    assert_int_equal(next(a), 0);

    assert_int_equal(write(a, "ifrom a", 7), 7);
    run();
    assert_string_equal(guest_reads(), "from a");
    assert_int_equal(write(b, "ifrom b", 7), 7);
    run();
    assert_string_equal(guest_reads(), "from b");
    close_fd(a);
    run();
    assert_int_equal(count_clients(), 1);
    guest_writes("later\n");
    run();
    expect_output(b, "later\n");
    close_fd(b);
}

static void test_the_last_size_counts(void **state _unused_)
{
    static const uint8_t small[] = {CONSOLE_SIZE, 80, 0, 24, 0},
                         large[] = {CONSOLE_SIZE, 0x2c, 1, 100, 0},
                         none[] = {CONSOLE_SIZE, 0, 0, 5, 0}, cut[] = {CONSOLE_SIZE, 7, 0, 7};
    uint16_t columns, rows;
    int a = attach_client(), b = attach_client();

    assert_int_equal(write(a, small, sizeof(small)), sizeof(small));
    run();
    assert_int_equal(write(b, large, sizeof(large)), sizeof(large));
    assert_int_equal(write(b, none, sizeof(none)), sizeof(none));
    assert_int_equal(write(b, cut, sizeof(cut)), sizeof(cut));
    assert_int_equal(write(b, "?unknown", 8), 8);
    run();
    console_port_get_size(&console->port, &columns, &rows);
    assert_int_equal(columns, 300);
    assert_int_equal(rows, 100);
    assert_string_equal(guest_reads(), "");
    assert_int_equal(count_clients(), 2);
    close_fd(a);
    close_fd(b);
}

static uint64_t number(const uint8_t *bytes)
{
    uint64_t value = 0;

    for (unsigned i = 8; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

/* One who does not read holds up neither the guest nor the others, and learns what it has missed.
 */
static void test_a_slow_watcher_loses_output(void **state _unused_)
{
    static char text[4097];
    uint64_t sent = 0, seen = 0, lost = 0, quick = 0;
    int slow = attach_client(), fast = attach_client();

    expect_hello(slow);
    expect_hello(fast);
    memset(text, 'x', 4096);
    for (unsigned i = 0; i < 1000; i++, sent += 4096) {
        guest_writes(text);
        run();
        for (size_t n; (n = next(fast)) > 0; quick += n - 1)
            assert_int_equal(message[0], CONSOLE_OUTPUT);
    }
    assert_int_equal(quick, sent);
    for (size_t n; (n = next(slow)) > 0; run()) {
        if (message[0] == CONSOLE_LOST) {
            assert_int_equal(n, 9);
            lost += number(message + 1);
        } else {
            seen += n - 1;
        }
    }
    assert_true(lost > 0);
    assert_int_equal(seen + lost, sent);
    close_fd(slow);
    close_fd(fast);
}

static void test_one_too_many_is_told(void **state _unused_)
{
    int fds[CONSOLE_CLIENTS_MAX + 1];

    for (unsigned i = 0; i <= CONSOLE_CLIENTS_MAX; i++)
        fds[i] = attach_client();
    expect_hello(fds[CONSOLE_CLIENTS_MAX - 1]);
    assert_int_equal(next(fds[CONSOLE_CLIENTS_MAX]), 1);
    assert_int_equal(message[0], CONSOLE_BUSY);
    assert_int_equal(read(fds[CONSOLE_CLIENTS_MAX], message, 1), 0);
    close_fd(fds[0]);
    run();
    close_fd(fds[CONSOLE_CLIENTS_MAX]);
    fds[0] = attach_client();
    expect_hello(fds[0]);
    for (unsigned i = 0; i < CONSOLE_CLIENTS_MAX; i++)
        close_fd(fds[i]);
    run();
    assert_int_equal(count_clients(), 0);
}

/* Types until nobody listens. How many bytes were taken off its hands. */
static size_t type_all(int fd)
{
    static const uint8_t input[CONSOLE_MESSAGE_MAX] = {CONSOLE_INPUT, 'a', 'b'};
    size_t sent = 0;

    while (write(fd, input, sizeof(input)) == (ssize_t)sizeof(input)) {
        sent += sizeof(input) - 1;
        run();
        assert_true(sent < 100 << 20);
    }
    assert_int_equal(errno, EAGAIN);
    return sent;
}

static size_t guest_reads_all(void)
{
    static char bytes[4096];
    const struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes)};
    size_t sum = 0;

    for (size_t n; (n = console_port_take(&console->port, &iov, 1)) > 0; run())
        sum += n;
    return sum;
}

/* A guest that does not read holds up who types, not the VMM; nothing is lost. */
static void test_input_has_a_bound(void **state _unused_)
{
    int fd = attach_client(), other = attach_client();
    size_t sent = type_all(fd);

    assert_true(sent > CONSOLE_INPUT_SIZE);
    expect_hello(fd);
    guest_writes("still shown\n");
    run();
    expect_output(fd, "still shown\n");
    assert_int_equal(guest_reads_all(), sent);
    assert_int_equal(write(other, "i!", 2), 2);
    run();
    assert_string_equal(guest_reads(), "!");
    close_fd(fd);
    close_fd(other);
}

/* A script that has said all and left: what it has said is not lost. */
static void test_input_of_one_who_left(void **state _unused_)
{
    int fd = attach_client(), fds[CONSOLE_CLIENTS_MAX];
    size_t sent = type_all(fd);

    close_fd(fd);
    run();
    assert_int_equal(count_clients(), 1);
    assert_int_equal(guest_reads_all(), sent);
    run();
    assert_int_equal(count_clients(), 0);

    /* But it does not keep others out. */
    fd = attach_client();
    (void)type_all(fd);
    close_fd(fd);
    run();
    for (unsigned i = 0; i < CONSOLE_CLIENTS_MAX; i++) {
        fds[i] = attach_client();
        expect_hello(fds[i]);
    }
    for (unsigned i = 0; i < CONSOLE_CLIENTS_MAX; i++)
        close_fd(fds[i]);
    run();
    (void)guest_reads_all();
    run();
    assert_int_equal(count_clients(), 0);
}

static void test_unread_output_does_not_cost_input(void **state _unused_)
{
    int fd = attach_client();

    guest_writes("never read\n");
    run();
    assert_int_equal(write(fd, "ilast words", 11), 11);
    close_fd(fd); /* with output unread, which the kernel reports as an error */
    guest_writes("more\n");
    run();
    assert_string_equal(guest_reads(), "last words");
    assert_int_equal(count_clients(), 0);
}

static void test_the_end_sends_what_is_left(void **state _unused_)
{
    int fd = attach_client();

    expect_hello(fd);
    guest_writes("Power down.\n"); /* and nobody runs the loop any more */
    console_server_finish(&server);
    expect_output(fd, "Power down.\n");
    assert_int_equal(read(fd, message, 1), 0);
    close_fd(fd);
}

static void test_nobody_attached_costs_nothing(void **state _unused_)
{
    static char text[4097];
    int fd = attach_client();

    close_fd(fd);
    run();
    guest_writes("the last one that somebody waited for");
    (void)eventfd_count(console->port.output_eventfd);
    memset(text, 'x', 4096);
    for (unsigned i = 0; i < 1000; i++)
        guest_writes(text);
    assert_int_equal(eventfd_count(console->port.output_eventfd), 0);
}

static void test_no_console_no_server(void **state _unused_)
{
    static struct console_server none;

    assert_int_equal(console_server_init(&none, NULL, &loop), 0);
    console_server_finish(&none);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_all_see_the_output_and_each_may_type),
        TEST(test_the_last_size_counts),
        TEST(test_a_slow_watcher_loses_output),
        TEST(test_one_too_many_is_told),
        TEST(test_input_has_a_bound),
        TEST(test_input_of_one_who_left),
        TEST(test_unread_output_does_not_cost_input),
        TEST(test_the_end_sends_what_is_left),
        TEST(test_nobody_attached_costs_nothing),
        TEST(test_no_console_no_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
