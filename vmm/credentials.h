/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Credentials (systemd.exec(5)) that are passed on to the guest: named secrets, by way of SMBIOS.
 */
#pragma once

#include "vmm/boot/smbios.h"

struct fd_store;

enum {
    CREDENTIAL_NAME_MAX = 255,
    CREDENTIAL_SIZE_MAX = SMBIOS_TABLES_MAX, /* all of them share these tables */
};

struct credentials {
    unsigned n;
    struct smbios_credential entries[SMBIOS_CREDENTIALS_MAX];
};

/* Adds a copy of SIZE bytes at DATA. -EINVAL for a name that systemd would not take, -EEXIST for a
 * second one of that name, -E2BIG for one too many or too large, -ENOMEM; logs. */
int credentials_add(struct credentials *credentials, const char *name, const void *data,
                    size_t size);

/* Adds all that is in $CREDENTIALS_DIRECTORY, which the unit's LoadCredential= and the like fill;
 * nothing where there is none. 0 or -errno; logs. */
int credentials_load(struct credentials *credentials);

/* Adds what the option's ARGUMENT says: "NAME,file=PATH", "NAME,file=fd:FDNAME" or
 * "NAME,text=VALUE". 0 or -errno; logs. */
int credentials_add_option(struct credentials *credentials, const char *argument,
                           struct fd_store *store);

/* Wipes and frees all. */
void credentials_done(struct credentials *credentials);
