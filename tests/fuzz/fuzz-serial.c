/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any sequence of register accesses, input and output of the serial port: no byte is made up, and
 * none lost uncounted. */
#include "tests/fuzz/input.h"
#include "vmm/bus/platform.h"
#include "vmm/bus/serial.h"

enum {
    OPERATIONS_MAX = 500,
    FLOOD = 40000,
    FLOODS_MAX = 3, /* enough to go over the buffer's end */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct serial serial;
    struct input input = {data, size};
    struct bus ports = {0};
    uint64_t written = 0, taken = 0, dropped = 0;
    static char text[SERIAL_OUTPUT_SIZE];

    serial_init(&serial, -1, -1);
    MUST(serial_attach(&serial, &ports) == 0);
    unsigned floods = 0;
    for (unsigned n = 0; n < OPERATIONS_MAX && input.size > 0; n++) {
        uint8_t operation = input_8(&input), offset = operation & 7, bytes[8];
        unsigned length = 1u << (operation >> 3 & 3);
        bool linger;

        switch (operation >> 5) {
        case 0:
        case 1:
            bus_read(&ports, PLATFORM_PORT_SERIAL + offset, bytes, length);
            break;
        case 2:
        case 3:
            input_take(&input, bytes, sizeof(bytes));
            written += offset == 0 && length <= 8 && !(serial.state.lcr & 0x80) &&
                       !(serial.state.mcr & 0x10);
            bus_write(&ports, PLATFORM_PORT_SERIAL + offset, bytes, length);
            break;
        case 4: /* a flood */
            memset(bytes, 'x', sizeof(bytes));
            for (unsigned i = 0; floods < FLOODS_MAX && i < FLOOD; i++) {
                written += !(serial.state.lcr & 0x80) && !(serial.state.mcr & 0x10);
                bus_write(&ports, PLATFORM_PORT_SERIAL, bytes, 1);
            }
            floods++;
            break;
        case 5:
            MUST(serial_offer_input(&serial, text, input_16(&input)) <= SERIAL_INPUT_SIZE);
            break;
        case 6:
            taken += serial_take_output(&serial, text, input_16(&input), operation & 1, &linger);
            break;
        default:
            dropped += serial_take_dropped(&serial);
            break;
        }
        MUST(serial.output_length <= SERIAL_OUTPUT_SIZE &&
             serial.output_start < SERIAL_OUTPUT_SIZE);
        MUST(serial.state.input_length <= SERIAL_INPUT_SIZE &&
             serial.state.input_start < SERIAL_INPUT_SIZE);
        MUST(written == taken + dropped + serial.dropped + serial.output_length);
    }
    serial_done(&serial);
    return 0;
}
