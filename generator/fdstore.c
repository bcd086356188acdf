// SPDX-License-Identifier: LGPL-2.1-or-later
/* The service's fd store: where the helpers leave open files for volt-vmm, by name. */
#include "generator/fdstore.h"

#include <systemd/sd-daemon.h>

#define BARRIER_TIMEOUT_USEC (10 * UINT64_C(1000000))

bool fdstore_available(void)
{
    return getenv("NOTIFY_SOCKET") != NULL;
}

int fdstore_remove(const char *name)
{
    return sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

int fdstore_push(const char *name, int fd)
{
    char state[300];

    if ((size_t)snprintf(state, sizeof(state), "FDSTORE=1\nFDNAME=%s", name) >= sizeof(state))
        return -EINVAL;
    return sd_pid_notify_with_fds(0, 0, state, &fd, 1);
}

int fdstore_barrier(void)
{
    return fdstore_available() ? sd_notify_barrier(0, BARRIER_TIMEOUT_USEC) : 0;
}
