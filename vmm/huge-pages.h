/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host has of huge pages, for people who asked for them. */
#pragma once

#include "vmm/kvm/memory.h"

/* Reads the value of --hugepages: no, yes or thp. -EINVAL for another. */
int huge_pages_parse(const char *text, enum guest_memory_pages *ret);
const char *huge_pages_name(enum guest_memory_pages pages);

/* Logs why SIZE bytes could not be had in reserved huge pages: the error was R, which it returns.
 */
int huge_pages_missing(uint64_t size, int r);

/* Says in a notice that transparent huge pages are turned off for guest memory, where they are. */
void huge_pages_check_transparent(void);
