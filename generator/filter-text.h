/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The nftables rules on a VM's TAPs (nft(8)): what the guest may send, and how fast. */
#pragma once

#include "generator/nic.h"

/* Whether the interface needs a rule. */
bool filter_is_needed(const struct nic *nic);

/* Writes commands that make the VM's table, volt-<uuid> of the family netdev, with a chain for each
 * NIC that needs one, in the place of what an earlier run left: all of it, or on an error nothing.
 */
void filter_text_add(FILE *f, const char *uuid, const struct nic *nics, size_t n);

/* Writes commands that remove it; that there is none is no error. */
void filter_text_delete(FILE *f, const char *uuid);

/* Bytes that pass at once under a limit of RATE Mbit/s, and that may wait for 50 ms: enough for
 * some packets of 64 KiB, as they come from guests and from this host with segmentation offload. */
uint32_t filter_burst(unsigned rate);
uint32_t filter_backlog(unsigned rate);
#define FILTER_LATENCY_MS 50
