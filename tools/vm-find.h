/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which VM a person means. What volt-generator wrote says so, and everyone may read that. */
#pragma once

#include "vmm/cleanup.h"

#define GENERATED_UNITS "/run/systemd/generator"

enum {
    VM_UUID_LENGTH = 36,
    VM_NAME_MAX = 63,
};

struct found_vm {
    char uuid[VM_UUID_LENGTH + 1];
    char name[VM_NAME_MAX + 1]; /* or the UUID, where nothing tells it */
    bool described;             /* a unit was generated for it */
    bool has_console;
};

/*
 * Looks in the directory UNITS for what WORD, a name or a UUID, means. 0; -ENOENT: there is no such
 * name; -ENOTUNIQ: two VMs have it; -EBADMSG: it has one, but its description has errors. A UUID
 * is found always, described or not.
 */
int vm_find(const char *units, const char *word, struct found_vm *ret);
