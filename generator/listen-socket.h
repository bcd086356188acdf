/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets at a path that helpers listen on for the VMM, which makes none. */
#pragma once

#include "vmm/cleanup.h"

/* Makes a listening AF_UNIX socket of TYPE (SOCK_SEQPACKET ...) at the absolute PATH, for root
 * alone, with the directories above it; what lies there is replaced. Links are not followed.
 * Returns a fd or -errno. */
int listen_socket_make(const char *path, int type);
