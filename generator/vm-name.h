/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What volt-generator wrote about a VM, for those who know its UUID only. */
#pragma once

#include "vmm/cleanup.h"

#define VM_GENERATOR_DIR "/run/systemd/generator"

/* Whether DIR, systemd's for generated units, has the VM: an INI file described it at the last
 * daemon-reload. */
bool vm_is_described(const char *dir, const char *uuid);

/* Writes what messages call it: `VM web (UUID)`, or `VM UUID` where its name is not known. */
#define VM_LABEL_SIZE 320
const char *vm_label(const char *dir, const char *uuid, char buffer[VM_LABEL_SIZE]);
