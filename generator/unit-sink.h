/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two places that unit files go to: a directory, and a person's terminal. */
#pragma once

#include "generator/units.h"

/* Files in the directory DIR_FD. Each is written beside its place and renamed, so nobody sees half
 * of one. Directories are made as needed. */
struct unit_sink unit_sink_directory(int *dir_fd);

/* Text on F: "# name" above each. */
struct unit_sink unit_sink_print(FILE *f);
