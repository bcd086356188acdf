/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes a directory, and those that it is in. */
#pragma once

/* As mkdir -p. 0 or -errno. */
int make_directories(const char *path);
