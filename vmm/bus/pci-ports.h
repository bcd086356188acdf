/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration mechanism #1: PCI configuration space by two I/O ports, and the reset control
 * register between. */
#pragma once

#include "vmm/bus/pci.h"
#include "vmm/bus/power.h"

/* Linux believes the ACPI tables' ECAM only on a machine that has this mechanism too. */
struct pci_ports {
    struct pci_host *host;    /* borrowed */
    struct power *power;      /* borrowed: told of a reset */
    _Atomic uint32_t address; /* CONFIG_ADDRESS */
};

/* Claims the ports of PORTS. PCI_PORTS must outlive it. 0 or -errno. */
int pci_ports_attach(struct pci_ports *pci_ports, struct pci_host *host, struct power *power,
                     struct bus *ports);
