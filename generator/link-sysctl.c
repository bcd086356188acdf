// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is set about a link by way of /proc/sys/net, in the network namespace of the caller. */
#include "generator/link-sysctl.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

int link_refuse_router_advertisements(const char *name)
{
    _cleanup_close_ int fd = -EBADF;
    char path[PATH_MAX];

    if ((size_t)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra", name) >=
        sizeof(path))
        return -ENAMETOOLONG;
    fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    return write(fd, "0\n", 2) < 0 ? -errno : 0;
}
