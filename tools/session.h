/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Being attached: bytes from the terminal to the VMM and back, until somebody leaves. */
#pragma once

#include "vmm/cleanup.h"

enum session_end {
    SESSION_LEFT,      /* by the way out, or at the end of a file that was typed */
    SESSION_VM_ENDED,  /* or the VMM, at least */
    SESSION_BUSY,      /* there are as many as there can be */
    SESSION_SIGNALLED, /* *RET_SIGNAL */
};

/*
 * Attaches SOCKET, which is connected, to standard input and output. NAME is the VM's; WATCH:
 * nothing is passed on to it. Standard input and output are as they were when this returns. An end
 * or -errno, with a message printed for -errno alone.
 */
int session_run(int socket, const char *name, bool watch, int *ret_signal);
