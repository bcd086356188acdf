/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The serial port's registers, interrupts, and both of its buffers. */
#include "vmm/bus/serial.h"

#include <linux/serial_reg.h>
#include <sys/eventfd.h>

#include "test.h"
#include "vmm/bus/platform.h"

struct port {
    struct serial serial;
    struct bus ports;
    int irq, output;
};

static int setup(void **state)
{
    struct port *port = calloc(1, sizeof(*port));

    if (!port)
        return -1;
    port->irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    port->output = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    serial_init(&port->serial, port->irq, port->output);
    *state = port;
    return serial_attach(&port->serial, &port->ports);
}

static int teardown(void **state)
{
    struct port *port = *state;

    serial_done(&port->serial);
    close_fd(port->irq);
    close_fd(port->output);
    free(port);
    return 0;
}

static void put(struct port *port, unsigned offset, unsigned value)
{
    bus_write(&port->ports, PLATFORM_PORT_SERIAL + offset, &value, 1);
}

static unsigned get(struct port *port, unsigned offset)
{
    uint8_t value;

    bus_read(&port->ports, PLATFORM_PORT_SERIAL + offset, &value, 1);
    return value;
}

static void print(struct port *port, const char *text)
{
    for (; *text; text++)
        put(port, UART_TX, (uint8_t)*text);
}

static void test_registers(void **state)
{
    struct port *port = *state;

    put(port, UART_SCR, 0x5a);
    assert_int_equal(get(port, UART_SCR), 0x5a);
    put(port, UART_IER, 0xff);
    assert_int_equal(get(port, UART_IER), 0x0f);
    put(port, UART_MCR, 0xff & ~UART_MCR_LOOP);
    assert_int_equal(get(port, UART_MCR), 0x0f);
    put(port, UART_LSR, 0); /* read-only */
    assert_int_equal(get(port, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
    put(port, UART_MSR, 0);
    assert_int_equal(get(port, UART_MSR), UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS);
    assert_int_equal(get(port, UART_RX), 0); /* nothing there */

    put(port, UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
    put(port, UART_DLL, 1);
    put(port, UART_DLM, 2);
    assert_int_equal(get(port, UART_DLL), 1);
    assert_int_equal(get(port, UART_DLM), 2);
    put(port, UART_LCR, UART_LCR_WLEN8);
    assert_int_equal(get(port, UART_LCR), UART_LCR_WLEN8);
    assert_int_equal(get(port, UART_IER), 0x0f);
}

static void test_wide_access(void **state)
{
    struct port *port = *state;
    uint32_t value = 0x11223344;

    put(port, UART_SCR, 0x77);
    bus_read(&port->ports, PLATFORM_PORT_SERIAL + UART_LCR, &value, 4);
    assert_int_equal(value, 0); /* LCR; the bytes behind it are zero */
    bus_read(&port->ports, PLATFORM_PORT_SERIAL + UART_SCR, &value, 4);
    assert_int_equal(value, UINT32_MAX); /* over the end */
}

static void test_output(void **state)
{
    struct port *port = *state;
    char text[64];
    bool linger;

    print(port, "login: ");
    assert_int_equal(eventfd_count(port->output), 1); /* the first byte wakes the reader */
    assert_int_equal(serial_take_output(&port->serial, text, sizeof(text), false, &linger), 0);
    assert_true(linger);
    print(port, "root");
    assert_int_equal(eventfd_count(port->output), 0);
    print(port, "\n");
    assert_int_equal(eventfd_count(port->output), 1); /* the end of the line does again */
    assert_int_equal(serial_take_output(&port->serial, text, sizeof(text), false, &linger), 12);
    assert_memory_equal(text, "login: root\n", 12);
    assert_false(linger);
    assert_int_equal(serial_take_output(&port->serial, text, sizeof(text), false, &linger), 0);
    assert_false(linger);

    print(port, "$ ");
    assert_int_equal(serial_take_output(&port->serial, text, sizeof(text), true, &linger), 2);
    assert_false(linger);
}

static void test_long_line(void **state)
{
    struct port *port = *state;
    char text[4096];
    bool linger;

    put(port, UART_TX, 'x');
    assert_int_equal(serial_take_output(&port->serial, text, sizeof(text), false, &linger), 0);
    assert_true(linger);
    (void)eventfd_count(port->output);
    for (unsigned i = 1; i < 1024; i++)
        put(port, UART_TX, 'x');
    assert_int_equal(eventfd_count(port->output), 1); /* enough to be taken without its end */
    assert_int_equal(serial_take_output(&port->serial, text, sizeof(text), false, &linger), 1024);
}

static void test_output_overflow(void **state)
{
    struct port *port = *state;
    static char text[SERIAL_OUTPUT_SIZE + 1];
    bool linger;

    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < SERIAL_OUTPUT_SIZE + 100; i++)
            put(port, UART_TX, 'a' + i % 26);
        assert_true(serial_take_dropped(&port->serial) == 100);
        assert_true(serial_take_dropped(&port->serial) == 0);
        /* In two parts, so that the second round goes over the buffer's end. */
        assert_int_equal(serial_take_output(&port->serial, text, 1000, true, &linger), 1000);
        assert_int_equal(
            serial_take_output(&port->serial, text + 1000, sizeof(text) - 1000, true, &linger),
            SERIAL_OUTPUT_SIZE - 1000);
        for (unsigned i = 0; i < SERIAL_OUTPUT_SIZE; i++)
            assert_int_equal(text[i], 'a' + i % 26);
        print(port, "0123456789");
        assert_int_equal(serial_take_output(&port->serial, text, 10, true, &linger), 10);
    }
}

static void test_transmit_interrupt(void **state)
{
    struct port *port = *state;

    assert_int_equal(get(port, UART_IIR) & 0xf, UART_IIR_NO_INT);
    put(port, UART_IER, UART_IER_THRI);
    assert_int_equal(eventfd_count(port->irq), 1);
    assert_int_equal(get(port, UART_IIR) & 0xf, UART_IIR_THRI);
    assert_int_equal(get(port, UART_IIR) & 0xf, UART_IIR_NO_INT); /* reading takes it away */
    put(port, UART_TX, 'x');
    assert_int_equal(eventfd_count(port->irq), 1);
    put(port, UART_TX, 'y');
    assert_int_equal(eventfd_count(port->irq), 0); /* the line is up already: no edge */
    assert_int_equal(get(port, UART_IIR) & 0xf, UART_IIR_THRI);
    put(port, UART_IER, UART_IER_THRI); /* no change, no interrupt */
    assert_int_equal(eventfd_count(port->irq), 0);
    put(port, UART_IER, 0);
    put(port, UART_TX, 'z');
    assert_int_equal(eventfd_count(port->irq), 0);
    assert_int_equal(get(port, UART_IIR) & 0xf, UART_IIR_NO_INT);
}

static void test_receive(void **state)
{
    struct port *port = *state;

    put(port, UART_FCR, UART_FCR_ENABLE_FIFO);
    put(port, UART_IER, UART_IER_RDI | UART_IER_THRI);
    (void)get(port, UART_IIR);
    (void)eventfd_count(port->irq);
    assert_int_equal(serial_offer_input(&port->serial, "ab", 2), 2);
    assert_int_equal(eventfd_count(port->irq), 1);
    assert_int_equal(get(port, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT | UART_LSR_DR);
    assert_int_equal(get(port, UART_IIR), 0xc0 | UART_IIR_RDI);
    assert_int_equal(get(port, UART_RX), 'a');
    assert_int_equal(get(port, UART_IIR), 0xc0 | UART_IIR_RDI);
    assert_int_equal(get(port, UART_RX), 'b');
    assert_int_equal(get(port, UART_IIR), 0xc0 | UART_IIR_NO_INT);

    assert_int_equal(serial_offer_input(&port->serial, "cd", 2), 2);
    put(port, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
    assert_int_equal(get(port, UART_LSR) & UART_LSR_DR, 0);
    assert_int_equal(get(port, UART_RX), 0);
}

static void test_input_room(void **state)
{
    struct port *port = *state;
    char text[SERIAL_INPUT_SIZE + 10];

    memset(text, 'i', sizeof(text));
    assert_int_equal(serial_offer_input(&port->serial, text, sizeof(text)), SERIAL_INPUT_SIZE);
    assert_int_equal(serial_offer_input(&port->serial, text, 1), 0);
    assert_int_equal(get(port, UART_LSR) & UART_LSR_OE, 0); /* was refused, not lost */
    assert_int_equal(get(port, UART_RX), 'i');
    assert_int_equal(serial_offer_input(&port->serial, "j", 1), 1);
    for (unsigned i = 0; i < SERIAL_INPUT_SIZE - 1; i++)
        assert_int_equal(get(port, UART_RX), 'i');
    assert_int_equal(get(port, UART_RX), 'j');
}

static void test_loopback(void **state)
{
    struct port *port = *state;
    char text[8];
    bool linger;

    put(port, UART_MCR, UART_MCR_LOOP);
    assert_int_equal(get(port, UART_MSR), 0);
    put(port, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
    assert_int_equal(get(port, UART_MSR), UART_MSR_DCD | UART_MSR_CTS);
    put(port, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT1 | UART_MCR_DTR);
    assert_int_equal(get(port, UART_MSR), UART_MSR_RI | UART_MSR_DSR);
    put(port, UART_TX, 0xae);
    assert_int_equal(get(port, UART_RX), 0xae);
    assert_int_equal(serial_take_output(&port->serial, text, sizeof(text), true, &linger), 0);

    /* The overrun, which reading LSR takes away */
    for (unsigned i = 0; i <= SERIAL_INPUT_SIZE; i++)
        put(port, UART_TX, i & 0xff);
    assert_int_equal(get(port, UART_LSR) & UART_LSR_OE, UART_LSR_OE);
    assert_int_equal(get(port, UART_LSR) & UART_LSR_OE, 0);
    assert_int_equal(get(port, UART_RX), 0);
    put(port, UART_MCR, 0);
    put(port, UART_TX, 'x');
    assert_int_equal(serial_take_output(&port->serial, text, sizeof(text), true, &linger), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_registers), TEST(test_wide_access),     TEST(test_output),
        TEST(test_long_line), TEST(test_output_overflow), TEST(test_transmit_interrupt),
        TEST(test_receive),   TEST(test_input_room),      TEST(test_loopback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
