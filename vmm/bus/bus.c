/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bus. */
#include "vmm/bus/bus.h"

#include <string.h>

int bus_add(struct bus *bus, uint64_t base, uint64_t size, const struct bus_ops *ops, void *context)
{
    for (unsigned i = 0; i < bus->n_ranges; i++) {
        const struct bus_range *range = &bus->ranges[i];

        if (base < range->base + range->size && range->base < base + size)
            return -EEXIST;
    }
    if (bus->n_ranges == BUS_RANGES_MAX)
        return -ENOSPC;
    bus->ranges[bus->n_ranges++] = (struct bus_range){
        .base = base,
        .size = size,
        .ops = ops,
        .context = context,
    };
    return 0;
}

static const struct bus_range *bus_find(const struct bus *bus, uint64_t address, unsigned length)
{
    for (unsigned i = 0; i < bus->n_ranges; i++) {
        const struct bus_range *range = &bus->ranges[i];

        if (address >= range->base && address - range->base < range->size &&
            length <= range->size - (address - range->base))
            return range;
    }
    return NULL;
}

void bus_read(const struct bus *bus, uint64_t address, void *ret_data, unsigned length)
{
    const struct bus_range *range = bus_find(bus, address, length);

    if (range && range->ops->read)
        range->ops->read(range->context, address - range->base, ret_data, length);
    else
        memset(ret_data, 0xff, length);
}

void bus_write(const struct bus *bus, uint64_t address, const void *data, unsigned length)
{
    const struct bus_range *range = bus_find(bus, address, length);

    if (range && range->ops->write)
        range->ops->write(range->context, address - range->base, data, length);
}

uint64_t bus_get(const void *data, unsigned length)
{
    uint64_t value = 0;

    memcpy(&value, data, length < sizeof(value) ? length : sizeof(value));
    return value;
}

void bus_put(void *ret_data, unsigned length, uint64_t value)
{
    memset(ret_data, 0, length);
    memcpy(ret_data, &value, length < sizeof(value) ? length : sizeof(value));
}
