/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A terminal that passes every key on, and gets back what it was. */
#pragma once

#include <termios.h>

#include "vmm/cleanup.h"

struct raw_terminal {
    bool raw;
    struct termios saved;
};

/* Standard input; nothing where it is no terminal. SIGNALS: ^C and ^Z still mean what they do. */
int raw_terminal_enter(struct raw_terminal *terminal, bool signals);

/* Also undoes on standard output what a guest may have left on: colours, mouse reports and the
 * like. What was typed meanwhile is forgotten: it may be an answer that the guest asked the
 * terminal for. */
void raw_terminal_leave(struct raw_terminal *terminal);
