/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A person's terminal in raw mode, and back. */
#pragma once

#include "vmm/cleanup.h"

enum { TERMINAL_STATE_SIZE = 64 };

/* What the terminal was set to, as the kernel has it. */
struct terminal {
    bool raw;
    _Alignas(8) uint8_t saved[TERMINAL_STATE_SIZE];
};

/* Puts the terminal on standard input into raw mode; output stays cooked. 0 or -errno. */
int terminal_set_raw(struct terminal *terminal);

/* Gives it back, by one TCSETSF; nothing where it was not raw. */
void terminal_restore(struct terminal *terminal);
