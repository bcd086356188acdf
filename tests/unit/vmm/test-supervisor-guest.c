/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guest says of itself, as systemd and the journal hear it from the main thread; the
 * machine is a few eventfds. */
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "test.h"
#include "vmm/clock.h"
#include "vmm/supervisor.h"

enum { CID = 4711, TIMEOUT = 30 };

static struct {
    struct machine machine;
    struct options options;
    struct supervisor supervisor;
    struct notify notify;
    int systemd; /* the other end */
    struct sockaddr_un address;
    struct capture capture;
} world;

static bool check(const struct sockaddr *address _unused_, socklen_t size _unused_, uint32_t cid)
{
    return cid == CID;
}

static int make(bool optional)
{
    int *fds[] = {&world.machine.serial_irq, &world.machine.power_button_irq,
                  &world.machine.serial_output, &world.machine.boot_reached, &world.machine.ended};
    static unsigned n;
    int ends[2];

    memset(&world, 0, sizeof(world));
    for (size_t i = 0; i < ELEMENTSOF(fds); i++)
        *fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    serial_init(&world.machine.serial, world.machine.serial_irq, world.machine.serial_output);
    world.address.sun_family = AF_UNIX;
    (void)snprintf(world.address.sun_path + 1, sizeof(world.address.sun_path) - 1,
                   "volt-supervisor-%d-%u", (int)getpid(), n++);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) < 0 ||
        bind(fd, (const struct sockaddr *)&world.address, sizeof(world.address)) < 0 ||
        listen(fd, 100) < 0)
        return -1;
    world.notify.fd = ends[0];
    world.systemd = ends[1];
    world.capture = capture_start();
    world.options = (struct options){.name = "web", .stop_timeout_sec = 30};
    int r = supervisor_init(&world.supervisor, &world.options, &world.machine, &world.notify,
                            -EBADF, clock_now_ns());
    if (r >= 0)
        r = supervisor_wait_for_guest(&world.supervisor, fd, CID, TIMEOUT, optional);
    world.supervisor.readiness.check = check;
    return r;
}

static int setup(void **state _unused_)
{
    return make(false);
}

static int setup_optional(void **state _unused_)
{
    return make(true);
}

static int teardown(void **state _unused_)
{
    if (world.capture.saved >= 0) { /* the test failed: what did it see? */
        _cleanup_free_ char *text = capture_end(&world.capture);

        (void)fputs(text, stderr);
    }
    readiness_done(&world.supervisor.readiness);
    event_loop_done(&world.supervisor.loop);
    close(world.notify.fd);
    close(world.systemd);
    return 0;
}

static void turn(void)
{
    struct pollfd p = {.fd = world.supervisor.loop.epoll_fd, .events = POLLIN};

    while (!world.supervisor.done && poll(&p, 1, 0) > 0)
        assert_int_equal(event_loop_wait(&world.supervisor.loop), 0);
}

static void guest_says(const char *text)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&world.address, sizeof(world.address)),
                     0);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    turn();
}

/* The next message, or "" where there is none. */
static const char *heard_by_systemd(void)
{
    static char text[2048];
    ssize_t n = recv(world.systemd, text, sizeof(text) - 1, MSG_DONTWAIT);

    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static void assert_heard(const char *part)
{
    const char *text = heard_by_systemd();

    if (!strstr(text, part))
        fail_msg("systemd hears '%s', not '%s'", text, part);
}

static void assert_logged(const char *part)
{
    _cleanup_free_ char *text = capture_end(&world.capture);

    if (!strstr(text, part))
        fail_msg("no '%s' in: %s", part, text);
    world.capture = capture_start();
}

static void end_capture(void)
{
    free(capture_end(&world.capture));
}

static void test_ready_when_the_guest_says_so(void **state _unused_)
{
    supervisor_start(&world.supervisor);
    assert_string_equal(heard_by_systemd(), "STATUS=Booting; waiting for the guest's READY=1");
    guest_says("X_SYSTEMD_UNIT_ACTIVE=basic.target");
    assert_string_equal(heard_by_systemd(), "");
    guest_says("READY=1\nSTATUS=up");
    assert_string_equal(heard_by_systemd(), "READY=1\nSTATUS=Running; guest: up");
    assert_logged("The guest says that it is ready");
    /* Once is enough. */
    guest_says("READY=1");
    assert_string_equal(heard_by_systemd(), "");
    readiness_tick(&world.supervisor.readiness, 2 * TIMEOUT);
    assert_false(world.supervisor.done);
    end_capture();
}

/* By and by, however fast it talks; and as text. */
static void test_status(void **state _unused_)
{
    supervisor_start(&world.supervisor);
    (void)heard_by_systemd();
    for (unsigned i = 0; i < 50; i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "STATUS=\033[3%u\xff", i);
        guest_says(text);
    }
    assert_string_equal(heard_by_systemd(), "");
    readiness_tick(&world.supervisor.readiness, 1);
    assert_string_equal(heard_by_systemd(), "STATUS=Booting; waiting for the guest's READY=1; "
                                            "guest: ?[349?");
    readiness_tick(&world.supervisor.readiness, 1);
    assert_string_equal(heard_by_systemd(), "");
    guest_says("STATUS=");
    readiness_tick(&world.supervisor.readiness, 1);
    assert_string_equal(heard_by_systemd(), "STATUS=Booting; waiting for the guest's READY=1");
    end_capture();
}

static void test_late(void **state _unused_)
{
    supervisor_start(&world.supervisor);
    (void)heard_by_systemd();
    readiness_tick(&world.supervisor.readiness, TIMEOUT);
    assert_true(world.supervisor.done);
    assert_int_equal(world.supervisor.status, EXIT_GUEST_NOT_READY);
    assert_heard("STOPPING=1\nSTATUS=The guest did not report readiness within 30 s and was ended "
                 "(exit status 104); it needs systemd 254");
    assert_logged("The guest did not report readiness within 30 s");
    end_capture();
}

static void test_late_but_not_silent(void **state _unused_)
{
    supervisor_start(&world.supervisor);
    (void)heard_by_systemd();
    guest_says("X_SYSTEMD_UNIT_ACTIVE=emergency.target");
    readiness_tick(&world.supervisor.readiness, TIMEOUT);
    assert_int_equal(world.supervisor.status, EXIT_GUEST_NOT_READY);
    assert_heard("ready_timeout_sec");
    end_capture();
}

/* Nobody asked for it, and the guest knows nothing of it. */
static void test_optional(void **state _unused_)
{
    supervisor_start(&world.supervisor);
    (void)heard_by_systemd();
    readiness_tick(&world.supervisor.readiness, TIMEOUT);
    assert_false(world.supervisor.done);
    assert_string_equal(heard_by_systemd(), "READY=1\nSTATUS=Running");
    assert_logged("it counts as started");
    end_capture();
}

static void test_exit_status(void **state _unused_)
{
    supervisor_start(&world.supervisor);
    guest_says("READY=1");
    guest_says("EXIT_STATUS=7\nX_SYSTEMD_SHUTDOWN=poweroff");
    assert_logged("The guest says that it powers off");
    (void)heard_by_systemd();
    (void)heard_by_systemd();
    atomic_store(&world.machine.how, MACHINE_POWERED_OFF);
    assert_int_equal(eventfd_write(world.machine.ended, 1), 0);
    turn();
    assert_int_equal(world.supervisor.status, 7);
    assert_heard("The guest powered off with exit status 7");
    end_capture();
}

/* Only a power-off has one. */
static void test_exit_status_of_a_reboot(void **state _unused_)
{
    supervisor_start(&world.supervisor);
    guest_says("EXIT_STATUS=7\nX_SYSTEMD_SHUTDOWN=reboot");
    assert_logged("The guest says that it reboots");
    atomic_store(&world.machine.how, MACHINE_REBOOTED);
    assert_int_equal(eventfd_write(world.machine.ended, 1), 0);
    turn();
    assert_int_equal(world.supervisor.status, EXIT_GUEST_REBOOT);
    end_capture();
}

static void test_few_lines_in_the_journal(void **state _unused_)
{
    supervisor_start(&world.supervisor);
    for (unsigned i = 0; i < 100; i++)
        guest_says(i % 2 ? "X_SYSTEMD_SHUTDOWN=reboot" : "X_SYSTEMD_SHUTDOWN=halt");
    _cleanup_free_ char *text = capture_end(&world.capture);
    assert_int_equal(count_lines(text), 8);
    assert_non_null(strstr(text, "halts, which is no power-off"));
}

int main(void)
{
    int ends[2];

    /* The console listens to standard input, whatever the test was given. */
    if (pipe2(ends, O_CLOEXEC) < 0 || dup2(ends[0], STDIN_FILENO) < 0)
        return EXIT_FAILURE;
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_ready_when_the_guest_says_so),
        TEST(test_status),
        TEST(test_late),
        TEST(test_late_but_not_silent),
        cmocka_unit_test_setup_teardown(test_optional, setup_optional, teardown),
        TEST(test_exit_status),
        TEST(test_exit_status_of_a_reboot),
        TEST(test_few_lines_in_the_journal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
