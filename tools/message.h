/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the VMM says, and what is said to it. The VMM is not trusted: its bytes are shown, or passed
 * over. */
#pragma once

#include "vmm/cleanup.h"
#include "vmm/console-protocol.h"

struct message {
    char kind;           /* of those in console-protocol.h; 0: one to pass over */
    const uint8_t *data; /* of CONSOLE_OUTPUT */
    size_t size;
    uint64_t lost; /* of CONSOLE_LOST */
};

/* Reads the SIZE bytes at DATA, one packet; what it says points into them. */
struct message message_read(const uint8_t *data, size_t size);

/* Writes a CONSOLE_SIZE message. */
void message_write_size(uint8_t ret[static CONSOLE_SIZE_MESSAGE], unsigned columns, unsigned rows);
