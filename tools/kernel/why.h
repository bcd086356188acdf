/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why something failed, for a person. */
#pragma once

#include "vmm/cleanup.h"

/* Writes *RET_WHY, the caller's to free; NULL without memory. Returns R. */
_printf_(3, 4) int why(char **ret_why, int r, const char *format, ...);
