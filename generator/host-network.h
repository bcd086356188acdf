/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way back from the unit's empty network. */
#pragma once

/* PrivateNetwork= holds for `+` commands, too: the calling process enters PID 1's network
 * namespace. Returns 0 or -errno. */
int host_network_enter(void);
