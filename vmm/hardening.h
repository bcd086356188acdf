/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a VMM gives away beside system calls and files: descriptors that nobody named, capabilities,
 * resource limits. */
#pragma once

#include <stdint.h>

/* Closes what the process inherited beside its standard streams and the N descriptors that were
 * handed over: it was opened for somebody else. */
void hardening_close_inherited(unsigned n);

/* Once all descriptors are open: no capability in any set, no core file, no locked memory, no
 * message queue, and no more descriptors than there are but for those who connect. The unit leaves
 * little to be taken away; a VMM that root starts by hand has it all. 0 or -errno; logs. */
int hardening_apply(void);
