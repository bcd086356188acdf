/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SMBIOS tables (DMTF DSP0134 3.6): who the machine is, and the credentials that systemd in the
 * guest reads from OEM strings (systemd.system-credentials(7)). */
#pragma once

#include "vmm/cleanup.h"

struct guest_memory;

enum {
    SMBIOS_UUID_SIZE = 16,
    SMBIOS_ENTRY_POINT_SIZE = 24,
    SMBIOS_CREDENTIALS_MAX = 255,   /* strings that one structure counts */
    SMBIOS_TABLES_MAX = 256 * 1024, /* Linux maps no more at a time that early */
};

/* A named secret of SIZE bytes at DATA. */
struct smbios_credential {
    char *name;
    uint8_t *data;
    size_t size;
};

/* What the tables say. */
struct smbios_platform {
    const uint8_t
        *uuid; /* SMBIOS_UUID_SIZE bytes in the order in which they are written, or NULL */
    const struct smbios_credential *credentials;
    unsigned n_credentials;
};

/*
 * Writes the entry point at LAYOUT_SMBIOS_ENTRY_POINT and the structures at LAYOUT_SMBIOS_TABLES,
 * straight into guest memory: no second copy of a secret is made. -E2BIG where they do not fit;
 * 0 or -errno; logs.
 */
int smbios_write(const struct guest_memory *memory, const struct smbios_platform *platform);

/* The structures alone. Returns their length, also where that is more than SIZE: then RET holds a
 * part, and is of no use. */
size_t smbios_build(const struct smbios_platform *platform, uint8_t *ret, size_t size);

/* The entry point (5.2.2) of structures of LENGTH bytes at guest physical ADDRESS. */
void smbios_build_entry_point(uint64_t address, uint32_t length,
                              uint8_t ret[static SMBIOS_ENTRY_POINT_SIZE]);

/* Reads a UUID as 6ba7b810-9dad-11d1-80b4-00c04fd430c8. 0 or -EINVAL. */
int smbios_parse_uuid(const char *text, uint8_t ret[static SMBIOS_UUID_SIZE]);
