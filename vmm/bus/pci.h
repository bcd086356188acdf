/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI: configuration space by ECAM, one bus of single-function devices, 32-bit memory BARs. */
#pragma once

#include <pthread.h>

#include "vmm/bus/bus.h"

enum {
    PCI_CONFIG_SIZE = 256,
    PCI_BARS = 6,
    PCI_SLOTS = 32,
};

struct pci_function;

/*
 * All of these may be NULL. The config_ and bar_mapped calls come with the host's mutex held, the
 * BAR accesses without it; all come from vCPU threads.
 */
struct pci_ops {
    void (*bar_read)(struct pci_function *function, unsigned bar, uint64_t offset, void *ret_data,
                     unsigned length);
    void (*bar_write)(struct pci_function *function, unsigned bar, uint64_t offset,
                      const void *data, unsigned length);
    /* The BAR answers at ADDRESS from now on; 0: nowhere. */
    void (*bar_mapped)(struct pci_function *function, unsigned bar, uint64_t address);
    /* Before the bytes at OFFSET are read: to bring them up to date. */
    void (*config_read)(struct pci_function *function, unsigned offset, unsigned length);
    /* After they were written. */
    void (*config_written)(struct pci_function *function, unsigned offset, unsigned length);
};

struct pci_function {
    uint8_t config[PCI_CONFIG_SIZE];
    uint8_t writable[PCI_CONFIG_SIZE]; /* a bit set: the guest may change that bit */
    uint32_t bar_size[PCI_BARS];       /* bytes, a power of two; 0: no such BAR */
    uint64_t bar_address[PCI_BARS];    /* where it answers; 0: nowhere */
    uint8_t last_capability;
    uint16_t next_free; /* PCI_CONFIG_SIZE: there is no room left */
    const struct pci_ops *ops;
};

struct pci_host {
    pthread_mutex_t mutex; /* guards: every function's config and bar_address */
    struct pci_function *slots[PCI_SLOTS];
    struct pci_function bridge;
    uint64_t next_bar; /* where the next BAR goes, as firmware would choose */
};

/* Puts a host bridge in slot 0. */
void pci_host_init(struct pci_host *host);
void pci_host_done(struct pci_host *host);

/* Claims ECAM and the BAR window of MMIO. HOST must outlive it. 0 or -errno. */
int pci_host_attach(struct pci_host *host, struct bus *mmio);

/*
 * An access to configuration space: OFFSET is ECAM's, slot << 15 | function << 12 | register (PCI
 * Express Base 5.0, 7.2.2), LENGTH 1, 2, 4 or 8. What is not there reads as ones.
 */
void pci_host_config_read(struct pci_host *host, uint64_t offset, void *ret_data, unsigned length);
void pci_host_config_write(struct pci_host *host, uint64_t offset, const void *data,
                           unsigned length);

/* CLASS is base class, subclass and programming interface, as 0xBBSSPP. OPS may be NULL. */
void pci_function_init(struct pci_function *function, uint16_t vendor, uint16_t device,
                       uint16_t subsystem, uint32_t class, uint8_t revision,
                       const struct pci_ops *ops);

/* Gives FUNCTION a memory BAR of SIZE bytes (a power of two, at least 4096). */
void pci_function_set_bar(struct pci_function *function, unsigned bar, uint32_t size);

/*
 * Appends a capability: LENGTH bytes with room for the two that are written here, ID and next
 * pointer (PCI Local Bus 3.0, 6.7). Returns its offset, or -ENOSPC.
 */
int pci_function_add_capability(struct pci_function *function, uint8_t id, const void *capability,
                                size_t length);

/* Puts FUNCTION into the next free slot and places its BARs. Returns the slot, or -ENOSPC. */
int pci_host_add(struct pci_host *host, struct pci_function *function);
