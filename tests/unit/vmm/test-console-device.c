/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-console between a driver's rings and the port that the server has in its hands. */
#include "vmm/devices/console-device.h"

#include <linux/virtio_console.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "device-world.h"
#include "vmm/devices/console-listen.h"

enum { RECEIVE = 0, TRANSMIT = 1, BOTH = 3 };

static struct world *world;
static struct console_port *port;

static int setup(void **state _unused_)
{
    world = world_new(console_create, "hvc0", -EBADF);
    port = &console_device_of(world->device)->port;
    bring_up(world, BOTH, 0);
    return 0;
}

static int teardown(void **state _unused_)
{
    world_free(world);
    return 0;
}

/* All that the port has from *POSITION on, as a string. */
static const char *output(uint64_t *position)
{
    static char text[CONSOLE_OUTPUT_SIZE + 1];
    uint64_t lost;
    size_t n = console_port_read(port, position, text, CONSOLE_OUTPUT_SIZE, &lost);

    assert_int_equal(lost, 0);
    text[n] = '\0';
    return text;
}

static void send_text(const char *text)
{
    memcpy(data_at(world, TRANSMIT), text, strlen(text));
    assert_int_equal(
        exchange_one(world, TRANSMIT, data_of(TRANSMIT), (uint32_t)strlen(text), false), 0);
}

static void test_output_comes_to_the_port(void **state _unused_)
{
    uint64_t position = 0;

    send_text("hello\n");
    send_text("world\n");
    assert_string_equal(output(&position), "hello\nworld\n");
    assert_string_equal(output(&position), "");
    assert_int_equal(eventfd_count(port->output_eventfd), 0);
    send_text("again\n"); /* somebody waits now: the first of two writes tells */
    send_text("more\n");
    assert_int_equal(eventfd_count(port->output_eventfd), 1);
    assert_string_equal(output(&position), "again\nmore\n");
    assert_true(wait_count(&world->signals[TRANSMIT], 1));
}

static void test_history_begins_with_a_line(void **state _unused_)
{
    uint64_t position;

    send_text("first line\nsecond\n");
    position = console_port_history(port, 100);
    assert_string_equal(output(&position), "first line\nsecond\n");
    position = console_port_history(port, 9);
    assert_string_equal(output(&position), "second\n");
    position = console_port_history(port, 4);
    assert_string_equal(output(&position), "ond\n"); /* all that there is */
}

/* Nobody reads: the guest goes on, and who looks later has the end and the number of what is lost.
 */
static void test_unread_output_is_overwritten(void **state _unused_)
{
    uint64_t position = 0, lost, sent = 0;
    char text[4096];

    memset(data_at(world, TRANSMIT), 'x', 0x10000);
    for (unsigned i = 0; i < 100; i++, sent += 0x10000)
        (void)exchange_one(world, TRANSMIT, data_of(TRANSMIT), 0x10000, false);
    send_text("the end");
    sent += 7;
    assert_int_equal(console_port_read(port, &position, text, sizeof(text), &lost), 0);
    assert_int_equal(lost, sent - CONSOLE_OUTPUT_SIZE / 2);
    assert_int_equal(position, lost);
    position = sent - 7;
    assert_string_equal(output(&position), "the end");
}

/* One chain may name far more than there is memory: only its end is copied. */
static void test_a_chain_of_many_megabytes_is_cheap(void **state _unused_)
{
    struct driver *driver = &world->queues[TRANSMIT];
    uint64_t position, lost;
    uint8_t last[8];

    memset(data_at(world, TRANSMIT), 'y', 8);
    for (uint16_t i = 0; i < 63; i++)
        driver_describe(driver, i, 0, 31 << 20, VRING_DESC_F_NEXT, (uint16_t)(i + 1));
    driver_describe(driver, 63, data_of(TRANSMIT), 8, 0, 0);
    driver_offer(driver, 0);
    kick(world, TRANSMIT);
    assert_true(wait_used(driver, 1));
    position = UINT64_C(63) * (31 << 20);
    assert_int_equal(console_port_read(port, &position, last, sizeof(last), &lost), 8);
    assert_memory_equal(last, "yyyyyyyy", 8);
}

static void test_input_goes_to_the_guest(void **state _unused_)
{
    struct driver *driver = &world->queues[RECEIVE];

    driver_describe(driver, 0, data_of(RECEIVE), 4, VRING_DESC_F_WRITE, 0);
    driver_describe(driver, 1, data_of(RECEIVE) + 16, 100, VRING_DESC_F_WRITE, 0);
    driver_offer(driver, 0);
    driver_offer(driver, 1);
    kick(world, RECEIVE);
    console_port_offer(port, "typed", 5);
    assert_true(wait_used(driver, 2));
    assert_int_equal(driver->used->ring[0].len, 4);
    assert_int_equal(driver->used->ring[1].len, 1);
    assert_memory_equal(data_at(world, RECEIVE), "type", 4);
    assert_memory_equal((uint8_t *)data_at(world, RECEIVE) + 16, "d", 1);
}

/* What is typed before there are buffers waits for them, and who types is told when there is room.
 */
static void test_input_waits_for_the_guest(void **state _unused_)
{
    static const uint8_t full[CONSOLE_INPUT_SIZE] = {0};

    console_port_offer(port, full, sizeof(full));
    assert_false(console_port_has_room(port, 4096));
    assert_int_equal(eventfd_count(port->room_eventfd), 0);
    assert_int_equal(exchange_one(world, RECEIVE, data_of(RECEIVE), 4000, true), 4000);
    assert_int_equal(eventfd_count(port->room_eventfd), 0);
    assert_int_equal(exchange_one(world, RECEIVE, data_of(RECEIVE), 4000, true), 4000);
    assert_int_equal(eventfd_count(port->room_eventfd), 1);
    assert_true(console_port_has_room(port, 4096));
    assert_int_equal(exchange_one(world, RECEIVE, data_of(RECEIVE), 0x10000, true),
                     CONSOLE_INPUT_SIZE - 8000);
}

static struct virtio_console_config config(void)
{
    struct virtio_console_config now;

    memset(&now, 0xff, sizeof(now));
    world->device->type->read_config(world->device, 0, &now, sizeof(now));
    return now;
}

static void test_resize_is_told(void **state _unused_)
{
    struct console_device *console = console_device_of(world->device);

    assert_true(world->device->state.offered & FEATURE(VIRTIO_CONSOLE_F_SIZE));
    assert_int_equal(config().cols, 0);
    assert_int_equal(world->config_signals, 0);
    console_device_resize(console, 132, 43);
    assert_int_equal(world->config_signals, 1);
    assert_int_equal(config().cols, 132);
    assert_int_equal(config().rows, 43);
    assert_int_equal(config().max_nr_ports, 1);
    console_device_resize(console, 132, 43);
    assert_int_equal(world->config_signals, 1);

    /* The next driver has not seen it yet. */
    reset(world);
    bring_up(world, BOTH, 0);
    assert_true(wait_count(&world->config_signals, 2));
}

static void expect_fault(void)
{
    assert_true(wait_status(world, VIRTIO_CONFIG_S_NEEDS_RESET));
    reset(world);
    bring_up(world, BOTH, 0);
}

static void test_wrong_buffers_are_faults(void **state _unused_)
{
    uint64_t position = 0;
    struct capture capture = capture_start();

    driver_describe(&world->queues[TRANSMIT], 0, data_of(TRANSMIT), 8, VRING_DESC_F_WRITE, 0);
    driver_offer(&world->queues[TRANSMIT], 0);
    kick(world, TRANSMIT);
    expect_fault();
    console_port_offer(port, "x", 1);
    driver_describe(&world->queues[RECEIVE], 0, data_of(RECEIVE), 8, 0, 0);
    driver_offer(&world->queues[RECEIVE], 0);
    kick(world, RECEIVE);
    expect_fault();
    bring_up(world, 0, 0);
    char *text = capture_end(&capture);
    assert_non_null(strstr(text, "broke the protocol: a console buffer is broken"));
    assert_int_equal(count_lines(text), 1);
    free(text);
    send_text("good again");
    assert_string_equal(output(&position), "good again");
    assert_int_equal(exchange_one(world, RECEIVE, data_of(RECEIVE), 8, true), 1);
}

static void test_both_queues_are_needed(void **state _unused_)
{
    struct capture capture = capture_start();

    reset(world);
    bring_up(world, 1 << TRANSMIT, 0);
    assert_true(wait_status(world, VIRTIO_CONFIG_S_NEEDS_RESET));
    char *text = capture_end(&capture);
    free(text);
}

static void expect_refused(const char *argument, const char *message)
{
    struct console_settings settings;
    struct capture capture = capture_start();
    int r = console_settings_parse(argument, &settings);
    char *text = capture_end(&capture);

    assert_int_equal(r, -EINVAL);
    assert_non_null(strstr(text, message));
    free(text);
}

static void test_settings(void **state _unused_)
{
    struct console_settings settings;

    assert_int_equal(console_settings_parse("hvc0,listen=fd:console", &settings), 0);
    assert_string_equal(settings.id, "hvc0");
    assert_string_equal(settings.listen, "fd:console");
    expect_refused("", "is no id");
    expect_refused("hvc0,listen=", "neither fd:NAME nor a path");
    expect_refused("hvc0,listen=fd:", "neither fd:NAME nor a path");
    expect_refused("hvc0,mode=0600", "unknown setting 'mode=0600': listen=");
}

static int listen_for(const char *argument, int file, int *ret, char **ret_text)
{
    struct world context = {.file = file};
    const struct device_environment environment = {
        .take_fd = world_take_fd, .has_fd = world_has_fd, .context = &context};
    struct console_settings settings;
    struct capture capture = capture_start();

    assert_int_equal(console_settings_parse(argument, &settings), 0);
    int r = console_listen(&settings, &environment, ret);
    *ret_text = capture_end(&capture);
    return r;
}

static void test_listener(void **state _unused_)
{
    char path[] = "/tmp/volt-test-XXXXXX", argument[128], *text;
    struct stat st;
    int fd = -EBADF, pair[2];

    assert_int_equal(listen_for("hvc0", -EBADF, &fd, &text), 0);
    assert_int_equal(fd, -EBADF);
    free(text);
    assert_int_equal(listen_for("hvc0,listen=fd:console", -EBADF, &fd, &text), 0);
    assert_int_equal(fd, -EBADF);
    assert_non_null(strstr(text, "No socket called 'console'"));
    free(text);

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(listen_for("hvc0,listen=fd:console", pair[0], &fd, &text), -EINVAL);
    assert_non_null(strstr(text, "is no listening socket"));
    free(text);
    close_fd(pair[0]);
    close_fd(pair[1]);

    assert_non_null(mkdtemp(path));
    (void)snprintf(argument, sizeof(argument), "hvc0,listen=%s/socket", path);
    assert_int_equal(listen_for(argument, -EBADF, &fd, &text), 0);
    assert_true(fd >= 0);
    free(text);
    assert_int_equal(stat(strchr(argument, '=') + 1, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    int handed;
    assert_int_equal(listen_for("hvc0,listen=fd:console", fd, &handed, &text), 0);
    free(text);
    assert_int_equal(accept4(handed, NULL, NULL, 0), -1);
    assert_int_equal(errno, EAGAIN);
    close_fd(handed);
    close_fd(fd);
    assert_int_equal(listen_for(argument, -EBADF, &fd, &text), -EADDRINUSE);
    free(text);
    assert_int_equal(unlink(strchr(argument, '=') + 1), 0);
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_output_comes_to_the_port),
        TEST(test_history_begins_with_a_line),
        TEST(test_unread_output_is_overwritten),
        TEST(test_a_chain_of_many_megabytes_is_cheap),
        TEST(test_input_goes_to_the_guest),
        TEST(test_input_waits_for_the_guest),
        TEST(test_resize_is_told),
        TEST(test_wrong_buffers_are_faults),
        TEST(test_both_queues_are_needed),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_listener),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
