/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's memory, and what serves it, as text for systemd. */
#pragma once

#include "generator/config.h"

/* Writes volt-open's arguments, and volt-vmm's. */
void unit_write_memory_files(FILE *f, const struct vm_config *config);
void unit_write_memory(FILE *f, const struct vm_config *config);
