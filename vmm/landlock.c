/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A ruleset without a rule: everything that it names is denied. */
#include "vmm/landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>

#include "vmm/log.h"

/* The kernel's newest ruleset attributes; older kernels take a shorter structure. */
struct ruleset_attributes {
    uint64_t access_fs;
    uint64_t access_net;
    uint64_t scoped;
};

#define RIGHTS(n) ((UINT64_C(1) << (n)) - 1)

/* What each version of Landlock brought, all that was there before included. */
static const struct {
    struct ruleset_attributes rights;
    size_t size;
} versions[] = {
    [1] = {{.access_fs = RIGHTS(13)}, 8},             /* Linux 5.13 */
    [2] = {{.access_fs = RIGHTS(14)}, 8},             /* 5.19: to link and rename elsewhere */
    [3] = {{.access_fs = RIGHTS(15)}, 8},             /* 6.2: to truncate */
    [4] = {{.access_fs = RIGHTS(15), RIGHTS(2)}, 16}, /* 6.7: TCP, to bind and connect */
    [5] = {{.access_fs = RIGHTS(16), RIGHTS(2)}, 16}, /* 6.10: ioctl(2) on devices */
    [6] = {{RIGHTS(16), RIGHTS(2), RIGHTS(2)}, 24},   /* 6.12: abstract sockets, signals */
    [7] = {{RIGHTS(16), RIGHTS(2), RIGHTS(2)}, 24},   /* 6.15, 7.0: nothing that is denied */
    [8] = {{RIGHTS(16), RIGHTS(2), RIGHTS(2)}, 24},
    [9] = {{RIGHTS(17), RIGHTS(2), RIGHTS(2)}, 24},  /* 7.1: to connect to a socket's path */
    [10] = {{RIGHTS(17), RIGHTS(4), RIGHTS(2)}, 24}, /* 7.2: UDP, to bind, connect and send */
};

static long version(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

bool landlock_is_there(void)
{
    return version() > 0;
}

int landlock_deny_all(void)
{
    long v = version(), newest = (long)ELEMENTSOF(versions) - 1;

    if (v <= 0) {
        log_notice("This kernel has no Landlock (%m); going on without");
        return 0;
    }
    if (v > newest)
        v = newest;
    _cleanup_close_ int fd =
        (int)syscall(SYS_landlock_create_ruleset, &versions[v].rights, versions[v].size, 0);
    if (fd < 0)
        return log_errno(-errno, "Cannot make a Landlock ruleset: %m");
    if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
        return log_errno(-errno, "Cannot enforce Landlock: %m");
    log_debug("Landlock version %ld denies all that it knows", v);
    return 0;
}
