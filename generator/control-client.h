/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One request to a running volt-vmm; vmm/control.h has the words. */
#pragma once

#include "vmm/cleanup.h"

#define CONTROL_ANSWER_SIZE (64 * 1024)

/* Sends WORD and ARGUMENTS (which end with NULL; may be NULL) to the socket at PATH, and waits for
 * the answer, some 30 seconds at most. 0 with a text in ANSWER, or -errno: -ENOENT and
 * -ECONNREFUSED where nobody listens, -E2BIG for too many arguments, -ETIMEDOUT, -ECONNRESET where
 * the VM's process hung up instead. */
int control_ask(const char *path, const char *word, char *const *arguments,
                char answer[static CONTROL_ANSWER_SIZE]);
