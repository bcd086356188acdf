/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The main thread's life, in a process of its own: a machine without a vCPU, whose ends the test
 * brings about. */
#include "vmm/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "test.h"
#include "vmm/clock.h"

static struct machine machine;
static struct supervisor supervisor;
static struct sockaddr_un address = {.sun_family = AF_UNIX};

static int new_eventfd(void)
{
    int fd = eventfd(0, EFD_NONBLOCK);

    assert_true(fd >= 0);
    return fd;
}

/* What the supervisor needs of one. */
static int setup(void **state _unused_)
{
    memset(&machine, 0, sizeof(machine));
    machine.ended = new_eventfd();
    machine.boot_reached = new_eventfd();
    machine.news = new_eventfd();
    machine.serial_output = new_eventfd();
    machine.power_button_irq = new_eventfd();
    serial_init(&machine.serial, -1, machine.serial_output);
    return 0;
}

static int teardown(void **state _unused_)
{
    int fds[] = {machine.ended, machine.boot_reached, machine.news, machine.serial_output,
                 machine.power_button_irq};

    for (size_t i = 0; i < ELEMENTSOF(fds); i++)
        close_fd(fds[i]);
    free(machine.devices);
    serial_done(&machine.serial);
    return 0;
}

/* Runs it with a guest that has a second to power off. Its messages are of no interest. */
static pid_t start(void)
{
    static struct options options = {.name = "web", .vcpus = 1, .stop_timeout_sec = 1};
    static const struct notify notify = {.fd = -EBADF};
    int ready[2];
    char byte;

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (int fd = 0; fd < 3; fd++)
            (void)dup2(null, fd);
        if (supervisor_init(&supervisor, &options, &machine, &notify, -EBADF, clock_now_ns()) < 0)
            _exit(99);
        (void)!write(ready[1], "", 1);
        _exit(supervisor_run(&supervisor));
    }
    close_fd(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close_fd(ready[0]);
    return pid;
}

static int status_of(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_each_end_has_its_status(void **state _unused_)
{
    static const struct {
        enum machine_end how;
        int status;
    } ends[] = {
        {MACHINE_POWERED_OFF, 0},
        {MACHINE_REBOOTED, EXIT_GUEST_REBOOT},
        {MACHINE_PANICKED, EXIT_GUEST_PANIC},
        {MACHINE_TRIPLE_FAULT, EXIT_TRIPLE_FAULT},
        {MACHINE_KVM_ERROR, EXIT_KVM_ERROR},
    };

    for (size_t i = 0; i < ELEMENTSOF(ends); i++) {
        machine.how = ends[i].how;
        assert_int_equal(eventfd_write(machine.ended, 1), 0);
        assert_int_equal(status_of(start()), ends[i].status);
        (void)eventfd_count(machine.ended);
    }
}

static void test_a_deaf_guest_is_ended(void **state _unused_)
{
    pid_t pid = start();

    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(status_of(pid), EXIT_STOP_TIMEOUT);
    assert_true(eventfd_count(machine.power_button_irq) >= 1);
}

static void test_a_second_stop_means_it(void **state _unused_)
{
    pid_t pid = start();

    assert_int_equal(kill(pid, SIGTERM), 0);
    while (eventfd_count(machine.power_button_irq) == 0)
        (void)usleep(1000);
    assert_int_equal(kill(pid, SIGHUP), 0);
    assert_int_equal(status_of(pid), EXIT_STOP_TIMEOUT);
}

/* The guest has a console; its last words reach whoever is attached, and then the line is cut. */
static void test_the_console_goes_with_the_machine(void **state _unused_)
{
    const struct device_environment environment = {.memory = &machine.memory};
    static const char words[] = "Power down.";
    const struct iovec iov = {.iov_base = (void *)words, .iov_len = sizeof(words) - 1};
    char argument[128], message[64];

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/volt-test-%d.supervisor",
                   getpid());
    (void)unlink(address.sun_path);
    (void)snprintf(argument, sizeof(argument), "hvc0,listen=%s", address.sun_path);
    machine.devices = calloc(1, sizeof(*machine.devices));
    assert_non_null(machine.devices);
    assert_int_equal(console_create(argument, &environment, &machine.devices[0].device), 0);
    machine.n_devices = 1;
    console_port_write(&console_device_of(machine.devices[0].device)->port, &iov, 1);

    pid_t pid = start();
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(read(fd, message, sizeof(message)), 2);
    assert_int_equal(message[0], CONSOLE_HELLO);
    assert_int_equal(read(fd, message, sizeof(message)), 1 + sizeof(words) - 1);
    assert_memory_equal(message + 1, words, sizeof(words) - 1);
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(read(fd, message, sizeof(message)), 0);
    assert_int_equal(status_of(pid), EXIT_STOP_TIMEOUT);
    close_fd(fd);
    machine.devices[0].device->type->destroy(machine.devices[0].device);
    assert_int_equal(unlink(address.sun_path), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_each_end_has_its_status),
        TEST(test_a_deaf_guest_is_ended),
        TEST(test_a_second_stop_means_it),
        TEST(test_the_console_goes_with_the_machine),
    };

    (void)alarm(100);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
