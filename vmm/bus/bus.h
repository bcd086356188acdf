/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Port and MMIO dispatch: a guest's access goes to the one range that claims its address. */
#pragma once

#include "vmm/cleanup.h"

/*
 * OFFSET is relative to the range's base; LENGTH is 1, 2, 4 or 8, and the whole access lies in the
 * range. Both are called from vCPU threads, several at once. A read fills all of DATA.
 */
struct bus_ops {
    void (*read)(void *context, uint64_t offset, void *ret_data, unsigned length);
    void (*write)(void *context, uint64_t offset, const void *data, unsigned length);
};

struct bus_range {
    uint64_t base, size;
    const struct bus_ops *ops;
    void *context;
};

enum { BUS_RANGES_MAX = 16 };

/* Filled while the machine is built, and never changed after: dispatch takes no lock. */
struct bus {
    struct bus_range ranges[BUS_RANGES_MAX];
    unsigned n_ranges;
};

/* -EEXIST where a range overlaps another, -ENOSPC when the table is full. */
int bus_add(struct bus *bus, uint64_t base, uint64_t size, const struct bus_ops *ops,
            void *context);

/* An access that nobody claims reads as ones, as on a real bus, and writes nothing. */
void bus_read(const struct bus *bus, uint64_t address, void *ret_data, unsigned length);
void bus_write(const struct bus *bus, uint64_t address, const void *data, unsigned length);

/* Little-endian numbers of LENGTH bytes, for device registers. Lengths over 8 are cut. */
uint64_t bus_get(const void *data, unsigned length);
void bus_put(void *ret_data, unsigned length, uint64_t value);
