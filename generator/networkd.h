/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking systemd-networkd over D-Bus (org.freedesktop.network1). */
#pragma once

#include "vmm/cleanup.h"

/* Asks networkd to read its files again and to act on them; before systemd 256 the answer comes
 * before the deed. Never starts a networkd that is off. Bus, networkd and systemd each get
 * TIMEOUT_MS. Returns 0; -ENOENT when there is no networkd to ask, so that asking again is in vain;
 * another -errno when it might answer later. On an error *ret_why tells, in words (free it; may be
 * NULL). */
int networkd_reload(unsigned timeout_ms, char **ret_why);

/* Whether nobody can be expected to work at the links: networkd is stopped, or there is no bus to
 * ask. A bus that does not answer in time is no such sign. */
bool networkd_is_off(unsigned timeout_ms);
