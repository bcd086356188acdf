/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is set about a link by way of /proc/sys/net, in the network namespace of the caller. */
#pragma once

#include "vmm/cleanup.h"

/* Keeps router advertisements that arrive at the link NAME from becoming routes and addresses of
 * this host, as networkd's IPv6AcceptRA=no: a guest says what it likes. To be done before the link
 * is set up. A kernel without IPv6 is no error. */
int link_refuse_router_advertisements(const char *name);
