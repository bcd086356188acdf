/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine of memory, one device on a PCI bus, and a guest that accesses its registers. KVM is an
 * ioctl(2) of ours. */
#pragma once

#include "tests/fuzz/bus.h"
#include "tests/unit/vmm/fake-kvm.h"
#include "vmm/bus/pci-ports.h"
#include "vmm/bus/platform.h"
#include "vmm/kvm/vm.h"
#include "vmm/virtio/virtio-pci.h"

/* By the byte of the input that chooses; a target's own operations follow. */
enum pci_access {
    READ_CONFIG,
    WRITE_CONFIG,
    READ_BAR,
    WRITE_BAR,
    READ_ANY,
    WRITE_ANY,
    PORT,
    PCI_ACCESSES,
};

/* The device's configuration space, in slot 1. */
#define PCI_MACHINE_CONFIG (PLATFORM_ECAM + (1 << 15))

struct pci_machine {
    struct guest_memory memory;
    struct vm vm;
    struct irq_router router;
    struct virtio_pci pci;
    struct pci_host host;
    struct pci_ports pci_ports;
    struct power power;
    struct bus mmio, ports;
};

static inline void pci_machine_power(void *context _unused_, enum power_event event _unused_)
{
}

/* MACHINE has its memory. */
static inline void pci_machine_build(struct pci_machine *machine, struct virtio_device *device)
{
    machine->vm = (struct vm){.fd = FAKE_VM_FD};
    machine->mmio = machine->ports = (struct bus){0};
    machine->power = (struct power){.off_type = 5, .report = pci_machine_power};
    MUST(irq_router_init(&machine->router, FAKE_VM_FD) == 0);
    pci_host_init(&machine->host);
    MUST(virtio_pci_init(&machine->pci, device, &machine->vm, &machine->router) == 0);
    MUST(pci_host_add(&machine->host, &machine->pci.function) == 1);
    MUST(pci_host_attach(&machine->host, &machine->mmio) == 0);
    MUST(pci_ports_attach(&machine->pci_ports, &machine->host, &machine->power, &machine->ports) ==
         0);
}

/* The device is gone by now. */
static inline void pci_machine_take_apart(struct pci_machine *machine)
{
    virtio_pci_done(&machine->pci);
    irq_router_done(&machine->router);
    pci_host_done(&machine->host);
    MUST(fake_kvm.n_irqfds == 0);
}

/* Puts the BAR to ADDRESS, and turns memory accesses and bus mastering on. */
static inline void pci_machine_map(struct pci_machine *machine, uint32_t address)
{
    bus_write(&machine->mmio, PCI_MACHINE_CONFIG + 0x10, &address, 4);
    bus_write(&machine->mmio, PCI_MACHINE_CONFIG + 4, &(uint16_t){6}, 2);
}

/* Where the BAR is, or, where it is nowhere, could be. */
static inline uint64_t pci_machine_bar(const struct pci_machine *machine)
{
    uint64_t bar = machine->pci.function.bar_address[0];

    return bar ? bar : PLATFORM_PCI_WINDOW;
}

/* One of the operations below PCI_ACCESSES. */
static inline void pci_machine_access(struct pci_machine *machine, uint8_t operation,
                                      struct input *input)
{
    uint64_t address;

    switch (operation) {
    case READ_CONFIG:
    case WRITE_CONFIG:
        address = PCI_MACHINE_CONFIG + input_8(input);
        access_bus(&machine->mmio, address, operation == WRITE_CONFIG, input);
        break;
    case READ_BAR:
    case WRITE_BAR:
        address = input_16(input);
        address = (address & 0x7000) | (address & 0x7f); /* the parts' first bytes */
        access_bus(&machine->mmio, pci_machine_bar(machine) + address, operation == WRITE_BAR,
                   input);
        break;
    case READ_ANY:
    case WRITE_ANY:
        access_bus(&machine->mmio, PLATFORM_PCI_WINDOW + input_32(input), operation == WRITE_ANY,
                   input);
        break;
    default:
        address = input_8(input);
        access_bus(&machine->ports, PLATFORM_PORT_PCI_CONFIG + address % 8, address & 0x80, input);
        break;
    }
}
