/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine: owns everything that makes up one VM, from guest memory to the last thread. */
#pragma once

#include <stdatomic.h>

#include "vmm/boot/cpu.h"
#include "vmm/boot/smbios.h"
#include "vmm/bus/boot-timer.h"
#include "vmm/bus/pci-ports.h"
#include "vmm/bus/pci.h"
#include "vmm/bus/power.h"
#include "vmm/bus/serial.h"
#include "vmm/devices/device-table.h"
#include "vmm/kvm/irq.h"
#include "vmm/kvm/memory.h"
#include "vmm/kvm/vm.h"
#include "vmm/thread.h"
#include "vmm/vcpu-loop.h"
#include "vmm/virtio/virtio-pci.h"

enum {
    MACHINE_VCPUS_MAX = 254,  /* 8-bit APIC IDs */
    MACHINE_DEVICES_MAX = 31, /* slots of a bus but the bridge's */
};

/* How the machine's life ended. */
enum machine_end {
    MACHINE_RUNNING,
    MACHINE_POWERED_OFF,
    MACHINE_REBOOTED,
    MACHINE_PANICKED,
    MACHINE_TRIPLE_FAULT,
    MACHINE_KVM_ERROR,
};

struct machine_vcpu {
    struct vcpu vcpu;
    struct vcpu_loop loop;
    struct thread thread;
};

struct machine_device {
    struct virtio_device *device;
    struct virtio_pci pci;
};

struct machine {
    struct guest_memory memory;
    struct vm vm;
    struct irq_router router;
    struct bus ports, mmio;
    struct pci_host pci;
    struct pci_ports pci_ports;
    struct serial serial;
    struct power power;
    struct boot_timer boot_timer;
    unsigned n_vcpus, n_devices, devices_max;
    struct machine_vcpu *vcpus;
    struct machine_device *devices;
    struct thread_gate gate;
    int serial_irq, power_button_irq; /* irqfds */
    int serial_output;                /* eventfd: the serial port has output */
    int boot_reached;                 /* eventfd: the guest wrote to the boot timer */
    int ended;                        /* eventfd: how tells why */
    int news;                         /* eventfd: machine_news() has changed */
    _Atomic(enum machine_end) how;
};

struct machine_settings {
    int kvm_fd; /* borrowed, for machine_init() alone */
    unsigned n_vcpus;
    unsigned n_devices;   /* that will be added */
    uint64_t memory_size; /* bytes */
    enum guest_memory_pages memory_pages;
    bool map_kernel;          /* its file never changes */
    int kernel_fd, initrd_fd; /* borrowed; initrd may be -EBADF */
    const char *cmdline;
    struct smbios_platform smbios; /* borrowed, and not needed once the machine is built */
};

/*
 * Builds all but the devices; loads the kernel. MACHINE is zeroed, as static memory is: it is
 * large, and most of it stays untouched. 0 or -errno; logs. machine_done() takes a half-built one.
 */
int machine_init(struct machine *machine, const struct machine_settings *settings);
void machine_done(struct machine *machine);

/* Adds a device, which becomes the machine's also on failure. Before machine_make_threads(). */
int machine_add_device(struct machine *machine, struct virtio_device *device);

/* Makes the threads, each of which calls LOCK on itself and waits. 0 or the first -errno; logs. */
int machine_make_threads(struct machine *machine, int (*lock)(const struct filter *, void *),
                         void *context);

/* Lets the guest run. */
void machine_run(struct machine *machine);

/* What the devices remark, as "ID REMARK; ID REMARK", as far as SIZE has room: for systemctl
 * status.
 */
void machine_remarks(const struct machine *machine, char *ret, size_t size);

/* What the devices tell of themselves from time to time, with ", " between them. */
void machine_news(const struct machine *machine, char *ret, size_t size);

/* How many vCPUs are with KVM, or were since the last call: the others hang in this process. */
unsigned machine_count_live_vcpus(struct machine *machine);

void machine_press_power_button(struct machine *machine);
