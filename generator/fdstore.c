// SPDX-License-Identifier: LGPL-2.1-or-later
/* The service's fd store: where the helpers leave open files for volt-vmm, by name. */
#include "generator/fdstore.h"
#include "generator/notify.h"

#define BARRIER_TIMEOUT_MS 10000
#define STATE_SIZE         300

bool fdstore_available(void)
{
    return notify_available();
}

static int send_named(const char *what, const char *name, int fd)
{
    char state[STATE_SIZE];

    if ((size_t)snprintf(state, sizeof(state), "%s=1\nFDNAME=%s", what, name) >= sizeof(state))
        return -EINVAL;
    return notify_send(state, fd);
}

int fdstore_remove(const char *name)
{
    return send_named("FDSTOREREMOVE", name, -EBADF);
}

int fdstore_push(const char *name, int fd)
{
    return send_named("FDSTORE", name, fd);
}

int fdstore_barrier(void)
{
    return notify_barrier(BARRIER_TIMEOUT_MS);
}
