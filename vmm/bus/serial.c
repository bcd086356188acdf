/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The 16550A (National Semiconductor PC16550D, section 8). The line's speed has no meaning here. */
#include "vmm/bus/serial.h"

#include <string.h>
#include <sys/eventfd.h>

#include "vmm/bus/platform.h"

enum {
    REGISTER_DATA = 0, /* RBR, THR; DLL with DLAB */
    REGISTER_IER = 1,  /* DLM with DLAB */
    REGISTER_IIR = 2,  /* FCR when written */
    REGISTER_LCR = 3,
    REGISTER_MCR = 4,
    REGISTER_LSR = 5,
    REGISTER_MSR = 6,
    REGISTER_SCR = 7,
    REGISTERS = 8,

    IER_RECEIVE = 1 << 0,
    IER_TRANSMIT = 1 << 1,
    IIR_NONE = 1 << 0,
    IIR_TRANSMIT = 1 << 1,
    IIR_RECEIVE = 1 << 2,
    IIR_FIFO = 3 << 6,
    FCR_ENABLE = 1 << 0,
    FCR_CLEAR_RECEIVE = 1 << 1,
    LCR_DLAB = 1 << 7,
    MCR_RTS = 1 << 1,
    MCR_DTR = 1 << 0,
    MCR_OUT1 = 1 << 2,
    MCR_OUT2 = 1 << 3,
    MCR_LOOP = 1 << 4,
    LSR_DATA_READY = 1 << 0,
    LSR_OVERRUN = 1 << 1,
    LSR_TRANSMIT_EMPTY = 3 << 5, /* holding and shift register */
    MSR_CTS = 1 << 4,
    MSR_DSR = 1 << 5,
    MSR_RI = 1 << 6,
    MSR_DCD = 1 << 7,

    OUTPUT_MUCH = 1024,
};

void serial_init(struct serial *serial, int irq_eventfd, int output_eventfd)
{
    memset(serial, 0, offsetof(struct serial, output));
    pthread_mutex_init(&serial->mutex, NULL);
    serial->irq_eventfd = irq_eventfd;
    serial->output_eventfd = output_eventfd;
    serial->state.dll = 12; /* 9600 baud */
    serial->state.mcr = MCR_OUT2;
}

void serial_done(struct serial *serial)
{
    pthread_mutex_destroy(&serial->mutex);
}

/* The pin is edge-triggered: a new reason raises it once. */
static void update_interrupt(struct serial *serial)
{
    const struct serial_state *s = &serial->state;
    bool up = ((s->ier & IER_RECEIVE) && s->input_length > 0) ||
              ((s->ier & IER_TRANSMIT) && s->transmit_interrupt);

    if (up && !serial->line_up)
        (void)eventfd_write(serial->irq_eventfd, 1);
    serial->line_up = up;
}

static void push_input(struct serial_state *s, uint8_t byte)
{
    if (s->input_length == SERIAL_INPUT_SIZE) {
        s->overrun = true;
        return;
    }
    s->input[(s->input_start + s->input_length++) % SERIAL_INPUT_SIZE] = byte;
}

static uint8_t pop_input(struct serial_state *s)
{
    if (s->input_length == 0)
        return 0;
    uint8_t byte = s->input[s->input_start];
    s->input_start = (s->input_start + 1) % SERIAL_INPUT_SIZE;
    s->input_length--;
    return byte;
}

static void push_output(struct serial *serial, uint8_t byte)
{
    if (serial->output_length == SERIAL_OUTPUT_SIZE) {
        serial->dropped++;
        return;
    }
    unsigned at = (serial->output_start + serial->output_length++) % SERIAL_OUTPUT_SIZE;
    serial->output[at] = (char)byte;
    if (serial->output_length == 1 ||
        (serial->reader_lingers && (byte == '\n' || serial->output_length == OUTPUT_MUCH))) {
        serial->reader_lingers = false;
        (void)eventfd_write(serial->output_eventfd, 1);
    }
}

static void transmit(struct serial *serial, uint8_t byte)
{
    struct serial_state *s = &serial->state;

    if (s->mcr & MCR_LOOP)
        push_input(s, byte);
    else
        push_output(serial, byte);
    s->transmit_interrupt = true;
}

static uint8_t read_iir(struct serial_state *s)
{
    uint8_t fifo = s->fcr & FCR_ENABLE ? IIR_FIFO : 0;

    if ((s->ier & IER_RECEIVE) && s->input_length > 0)
        return fifo | IIR_RECEIVE;
    if ((s->ier & IER_TRANSMIT) && s->transmit_interrupt) {
        s->transmit_interrupt = false;
        return fifo | IIR_TRANSMIT;
    }
    return fifo | IIR_NONE;
}

static uint8_t read_lsr(struct serial_state *s)
{
    uint8_t value = LSR_TRANSMIT_EMPTY;

    if (s->input_length > 0)
        value |= LSR_DATA_READY;
    if (s->overrun)
        value |= LSR_OVERRUN;
    s->overrun = false;
    return value;
}

/* Carrier, data set ready, clear to send; in loop mode the outputs come back as inputs. */
static uint8_t read_msr(const struct serial_state *s)
{
    if (!(s->mcr & MCR_LOOP))
        return MSR_DCD | MSR_DSR | MSR_CTS;
    return (uint8_t)((s->mcr & MCR_RTS ? MSR_CTS : 0) | (s->mcr & MCR_DTR ? MSR_DSR : 0) |
                     (s->mcr & MCR_OUT1 ? MSR_RI : 0) | (s->mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static uint8_t read_register(struct serial_state *s, uint64_t offset)
{
    bool dlab = s->lcr & LCR_DLAB;

    switch (offset) {
    case REGISTER_DATA:
        return dlab ? s->dll : pop_input(s);
    case REGISTER_IER:
        return dlab ? s->dlm : s->ier;
    case REGISTER_IIR:
        return read_iir(s);
    case REGISTER_LCR:
        return s->lcr;
    case REGISTER_MCR:
        return s->mcr;
    case REGISTER_LSR:
        return read_lsr(s);
    case REGISTER_MSR:
        return read_msr(s);
    default:
        return s->scr;
    }
}

static void write_ier(struct serial_state *s, uint8_t value)
{
    /* Asking for the transmit interrupt while the register is empty, which it always is, causes
     * one. */
    if ((value & IER_TRANSMIT) && !(s->ier & IER_TRANSMIT))
        s->transmit_interrupt = true;
    s->ier = value & 0xf;
}

static void write_register(struct serial *serial, uint64_t offset, uint8_t value)
{
    struct serial_state *s = &serial->state;
    bool dlab = s->lcr & LCR_DLAB;

    switch (offset) {
    case REGISTER_DATA:
        if (dlab)
            s->dll = value;
        else
            transmit(serial, value);
        break;
    case REGISTER_IER:
        if (dlab)
            s->dlm = value;
        else
            write_ier(s, value);
        break;
    case REGISTER_IIR:
        s->fcr = value & FCR_ENABLE;
        if (value & FCR_CLEAR_RECEIVE)
            s->input_length = 0;
        break;
    case REGISTER_LCR:
        s->lcr = value;
        break;
    case REGISTER_MCR:
        s->mcr = value & 0x1f;
        break;
    case REGISTER_SCR:
        s->scr = value;
        break;
    default: /* LSR and MSR are read-only */
        break;
    }
}

static void serial_read(void *context, uint64_t offset, void *ret_data, unsigned length)
{
    struct serial *serial = context;

    memset(ret_data, 0, length);
    pthread_mutex_lock(&serial->mutex);
    *(uint8_t *)ret_data = read_register(&serial->state, offset);
    update_interrupt(serial);
    pthread_mutex_unlock(&serial->mutex);
}

static void serial_write(void *context, uint64_t offset, const void *data, unsigned length)
{
    struct serial *serial = context;

    (void)length;
    pthread_mutex_lock(&serial->mutex);
    write_register(serial, offset, *(const uint8_t *)data);
    update_interrupt(serial);
    pthread_mutex_unlock(&serial->mutex);
}

int serial_attach(struct serial *serial, struct bus *ports)
{
    static const struct bus_ops ops = {.read = serial_read, .write = serial_write};

    return bus_add(ports, PLATFORM_PORT_SERIAL, REGISTERS, &ops, serial);
}

size_t serial_take_output(struct serial *serial, char *ret, size_t size, bool force,
                          bool *ret_linger)
{
    pthread_mutex_lock(&serial->mutex);
    size_t n = serial->output_length < size ? serial->output_length : size;
    unsigned last = (serial->output_start + serial->output_length - 1) % SERIAL_OUTPUT_SIZE;
    bool linger = n > 0 && !force && n < OUTPUT_MUCH && serial->output[last] != '\n';
    if (linger)
        n = 0;
    for (size_t i = 0; i < n; i++)
        ret[i] = serial->output[(serial->output_start + i) % SERIAL_OUTPUT_SIZE];
    serial->output_start = (unsigned)((serial->output_start + n) % SERIAL_OUTPUT_SIZE);
    serial->output_length -= (unsigned)n;
    serial->reader_lingers = linger;
    pthread_mutex_unlock(&serial->mutex);
    *ret_linger = linger;
    return n;
}

size_t serial_offer_input(struct serial *serial, const void *data, size_t n)
{
    const uint8_t *bytes = data;

    pthread_mutex_lock(&serial->mutex);
    size_t room = SERIAL_INPUT_SIZE - serial->state.input_length;
    if (n > room)
        n = room;
    for (size_t i = 0; i < n; i++)
        push_input(&serial->state, bytes[i]);
    update_interrupt(serial);
    pthread_mutex_unlock(&serial->mutex);
    return n;
}

uint64_t serial_take_dropped(struct serial *serial)
{
    pthread_mutex_lock(&serial->mutex);
    uint64_t n = serial->dropped;
    serial->dropped = 0;
    pthread_mutex_unlock(&serial->mutex);
    return n;
}
