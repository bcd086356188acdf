/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What volt-net tells volt-vmm's command line: /run/volt/vm/<uuid>/environment. */
#pragma once

#include "generator/nic.h"

/* Writes systemd's EnvironmentFile=: VOLT_MAC_<n> for each of the NICs whose MAC was derived, the
 * address that it has now, and VOLT_IP with the ip= words of those whose address goes by way of the
 * command line. Returns whether there was anything to write. */
bool net_environment_write(FILE *f, const struct nic *nics, size_t n);

/* The same as the file DIR/<uuid>/environment; there is none when there is nothing to tell. */
int net_environment_save(const char *dir, const char *uuid, const struct nic *nics, size_t n);
