/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest does at a bus, made of a fuzz input. */
#pragma once

#include "tests/fuzz/input.h"
#include "vmm/bus/bus.h"

/* 1, 2, 4 or 8 bytes at ADDRESS. */
static inline void access_bus(const struct bus *bus, uint64_t address, bool write,
                              struct input *input)
{
    uint8_t data[8];
    unsigned length = 1u << input_8(input) % 4;

    if (write) {
        input_take(input, data, length);
        bus_write(bus, address, data, length);
    } else {
        memset(data, 0x5a, sizeof(data));
        bus_read(bus, address, data, length);
        for (unsigned i = length; i < sizeof(data); i++)
            MUST(data[i] == 0x5a); /* not a byte more than asked for */
    }
}
