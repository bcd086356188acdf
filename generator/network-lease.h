/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's address in networkd's DHCP server: a drop-in 50-vm-<uuid>-<nic>.conf of the bridge's
 * .network file, below networkd's runtime directory. */
#pragma once

#include "generator/network-find.h"
#include "generator/nic.h"

/* Writes the text. */
void network_lease_text(FILE *f, const char *uuid, const struct nic *nic);

/* Writes the drop-in of FILE, a .network file's name, in DIR_FD, unless it says the same already:
 * networkd sets the bridge up anew when it changed. Returns whether it was written, or -errno. */
int network_lease_write(int dir_fd, const char *file, const char *uuid, const struct nic *nic);

/* Writes, likewise, what guests are told besides their address: the zone's gateway and DNS servers,
 * as NIC has them and FOUND's files do not say themselves. Without both there is no drop-in. */
int network_zone_write(int dir_fd, const struct network_found *found, const struct nic *nic);

/* What to do with a lease that is there. */
struct network_lease {
    const char *file; /* the .network file's name */
    const char *uuid, *nic;
    const char *text;
};

/* Removes each VM's leases of which KEEP says false. Returns how many; goes on after an error and
 * returns the first. */
int network_lease_clean(int dir_fd, bool (*keep)(const struct network_lease *lease, void *data),
                        void *data);
