/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volt-open's part for managed kernels. */
#pragma once

#include "generator/open-file.h"

struct kernel_request {
    const char *uuid; /* of the VM whose volt-vmm is told; NULL: of none */
    bool always;      /* read all to verify it */
};

/* Reads the argument of --verify. Returns 0 or -EINVAL. */
int kernel_request_parse_verify(const char *text, struct kernel_request *ret);

/* What of FILES and REQUEST is wrong together, or NULL. */
const char *kernel_request_check(const struct open_file *files, size_t n,
                                 const struct kernel_request *request);

/* Opens those of the N FILES that are managed into their place in FDS, which stays -EBADF for an
 * initrd that the kernel has not. Says which kernel it is, or what is wrong. 0 or -errno. */
int open_kernel(const struct open_file *files, size_t n, const struct kernel_request *request,
                int *fds);
