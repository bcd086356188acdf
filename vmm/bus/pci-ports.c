/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration mechanism #1 (PCI Local Bus 3.0, 3.2.2.3.2). */
#include "vmm/bus/pci-ports.h"

#include <stdatomic.h>
#include <string.h>

#include "vmm/bus/platform.h"

enum {
    CONFIG_ADDRESS = 0, /* four bytes, by whole accesses only */
    RESET_CONTROL = 1,  /* one byte: smaller accesses belong to others */
    CONFIG_DATA = 4,
    PORTS = 8,
    RESET_CONTROL_CPU = 1 << 2,
};

#define CONFIG_ENABLE   (1u << 31)
#define CONFIG_WRITABLE (CONFIG_ENABLE | 0xfffffcu)

/* Where in ECAM the access lands. False where the mechanism is off or the bus is not ours. */
static bool config_offset(struct pci_ports *pci_ports, uint64_t offset, uint64_t *ret)
{
    uint32_t address = atomic_load(&pci_ports->address);

    if (!(address & CONFIG_ENABLE) || (address >> 16 & 0xff) != 0)
        return false;
    *ret = (uint64_t)(address >> 8 & 0xff) << 12 | (address & 0xfc) | (offset & 3);
    return true;
}

static void ports_read(void *context, uint64_t offset, void *ret_data, unsigned length)
{
    struct pci_ports *pci_ports = context;
    uint64_t at;

    memset(ret_data, offset == RESET_CONTROL && length == 1 ? 0 : 0xff, length);
    if (offset == CONFIG_ADDRESS && length == 4)
        bus_put(ret_data, length, atomic_load(&pci_ports->address));
    else if (offset >= CONFIG_DATA && config_offset(pci_ports, offset, &at))
        pci_host_config_read(pci_ports->host, at, ret_data, length);
}

static void ports_write(void *context, uint64_t offset, const void *data, unsigned length)
{
    struct pci_ports *pci_ports = context;
    uint32_t value = (uint32_t)bus_get(data, length);
    uint64_t at;

    if (offset == CONFIG_ADDRESS && length == 4)
        atomic_store(&pci_ports->address, value & CONFIG_WRITABLE);
    else if (offset == RESET_CONTROL && length == 1 && (value & RESET_CONTROL_CPU))
        pci_ports->power->report(pci_ports->power->context, POWER_RESET);
    else if (offset >= CONFIG_DATA && config_offset(pci_ports, offset, &at))
        pci_host_config_write(pci_ports->host, at, data, length);
}

int pci_ports_attach(struct pci_ports *pci_ports, struct pci_host *host, struct power *power,
                     struct bus *ports)
{
    static const struct bus_ops ops = {.read = ports_read, .write = ports_write};

    pci_ports->host = host;
    pci_ports->power = power;
    atomic_store(&pci_ports->address, 0);
    return bus_add(ports, PLATFORM_PORT_PCI_CONFIG, PORTS, &ops, pci_ports);
}
