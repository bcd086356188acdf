/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sleep and reset registers, pvpanic, and the boot timer: byte by byte, every value. */
#include "vmm/bus/pci-ports.h"
#include "vmm/bus/power.h"

#include <sys/eventfd.h>

#include "test.h"
#include "vmm/bus/boot-timer.h"
#include "vmm/bus/platform.h"

enum { OFF_TYPE = 5 };

static unsigned events[POWER_PANIC + 1];

static void report(void *context, enum power_event event)
{
    assert_ptr_equal(context, events);
    events[event]++;
}

static struct power power = {.off_type = OFF_TYPE, .report = report, .context = events};
static struct bus ports;

static int setup(void **state _unused_)
{
    memset(events, 0, sizeof(events));
    ports = (struct bus){0};
    return power_attach(&power, &ports);
}

static void write_port(uint64_t port, unsigned value)
{
    bus_write(&ports, port, &value, 1);
}

static void test_sleep_control(void **state _unused_)
{
    for (unsigned value = 0; value < 256; value++)
        write_port(PLATFORM_PORT_POWER + POWER_SLEEP_CONTROL, value);
    /* Sleep enable, type 5: the other four bits are of no matter. */
    assert_int_equal(events[POWER_OFF], 16);
    assert_int_equal(events[POWER_RESET] + events[POWER_PANIC], 0);
    for (unsigned value = 0; value < 256; value++)
        write_port(PLATFORM_PORT_POWER + POWER_SLEEP_STATUS, value);
    assert_int_equal(events[POWER_OFF], 16);
}

static void test_reset_register(void **state _unused_)
{
    for (unsigned value = 0; value < 256; value++)
        write_port(PLATFORM_PORT_POWER + POWER_RESET_REGISTER, value);
    assert_int_equal(events[POWER_RESET], 1);
    assert_int_equal(events[POWER_OFF] + events[POWER_PANIC], 0);
}

/* The keyboard controller's pulse, for kernels that prefer it. */
static void test_keyboard_reset(void **state _unused_)
{
    for (unsigned value = 0; value < 256; value++)
        write_port(PLATFORM_PORT_KEYBOARD, value);
    assert_int_equal(events[POWER_RESET], 1);
    assert_int_equal(events[POWER_OFF] + events[POWER_PANIC], 0);
}

static void test_reads(void **state _unused_)
{
    for (unsigned i = 0; i < 3; i++) {
        uint8_t value = 0xff;

        bus_read(&ports, PLATFORM_PORT_POWER + i, &value, 1);
        assert_int_equal(value, 0);
    }
    uint8_t value = 0;
    bus_read(&ports, PLATFORM_PORT_PVPANIC, &value, 1);
    assert_int_equal(value, 1);
}

static void test_pvpanic(void **state _unused_)
{
    write_port(PLATFORM_PORT_PVPANIC, 0);
    write_port(PLATFORM_PORT_PVPANIC, 2); /* an event that we did not announce */
    assert_int_equal(events[POWER_PANIC], 0);
    write_port(PLATFORM_PORT_PVPANIC, 1);
    assert_int_equal(events[POWER_PANIC], 1);
}

static void test_boot_timer(void **state _unused_)
{
    _cleanup_close_ int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct boot_timer timer = {.eventfd = fd};
    uint32_t data = 0;

    assert_int_equal(boot_timer_attach(&timer, &ports), 0);
    assert_int_equal(eventfd_count(fd), 0);
    bus_write(&ports, PLATFORM_PORT_BOOT_TIMER, &data, 4);
    uint64_t reached = timer.reached_ns;
    assert_true(reached > 0);
    assert_int_equal(eventfd_count(fd), 1);
    bus_write(&ports, PLATFORM_PORT_BOOT_TIMER, &data, 1);
    assert_true(timer.reached_ns == reached); /* the first write counts */
    assert_int_equal(eventfd_count(fd), 0);
    bus_read(&ports, PLATFORM_PORT_BOOT_TIMER, &data, 4);
    assert_int_equal(data, UINT32_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sleep_control, setup),
        cmocka_unit_test_setup(test_reset_register, setup),
        cmocka_unit_test_setup(test_keyboard_reset, setup),
        cmocka_unit_test_setup(test_reads, setup),
        cmocka_unit_test_setup(test_pvpanic, setup),
        cmocka_unit_test_setup(test_boot_timer, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
