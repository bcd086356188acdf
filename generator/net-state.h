/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `volt-net up` made, kept for `volt-net down`: /run/volt/vm/<uuid>/taps. */
#pragma once

#include "generator/nic.h"

#define NET_STATE_DIR "/run/volt/vm"

/* Writes down, in DIR/<uuid>/taps, what of the NICs is to be cleaned up, and what other VMs may not
 * have as well. To be done before the first thing is made: what is not written down is not cleaned
 * up. */
int net_state_save(const char *dir, const char *uuid, const struct nic *nics, size_t n);

/* Reads them back into NICS, which has room for NIC_MAX. -ENOENT when nothing is written down,
 * -EBADMSG when lines could not be read (*ret_n counts the good ones, and is set). */
int net_state_load(const char *dir, const char *uuid, struct nic *nics, size_t *ret_n);

/* Whether TEXT, an address or a name as it is written down, is in PARENT_FD/<uuid>/taps at all:
 * much less than to read that. True as well when it cannot be told. */
bool net_state_mentions(int parent_fd, const char *uuid, const char *text);

/* Removes DIR/<uuid> with the files in it. */
int net_state_remove(const char *dir, const char *uuid);
