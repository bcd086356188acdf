/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of volt-vmm. */
#pragma once

#include "vmm/boot/smbios.h"
#include "vmm/devices/device-table.h"

enum {
    OPTIONS_DEVICES_MAX = 31,
    OPTIONS_HANDLED = 1, /* --help or --version were printed */
};

struct options {
    const char *uuid, *name;
    uint8_t uuid_bytes[SMBIOS_UUID_SIZE]; /* where there is one */
    unsigned vcpus;
    uint64_t memory_mib;
    enum guest_memory_pages memory_pages;
    const char *kvm, *kernel, *initrd; /* "fd:NAME" or a path */
    bool initrd_optional;              /* there need be no such fd */
    bool map_kernel;
    const char *cmdline;
    const char *control;   /* NULL: none */
    const char *readiness; /* or NULL */
    unsigned stop_timeout_sec;
    bool debug;
    bool require_landlock;
    unsigned n_credentials;
    const char *credentials[SMBIOS_CREDENTIALS_MAX]; /* arguments of --credential= */
    unsigned n_devices;
    struct {
        const struct device_kind *kind;
        const char *argument;
    } devices[OPTIONS_DEVICES_MAX];
};

/* Reads ARGV, whose strings RET borrows. 0, OPTIONS_HANDLED, or -EINVAL; logs what would be right.
 */
int options_parse(int argc, char **argv, struct options *ret);
