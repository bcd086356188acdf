/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors, capabilities and resource limits of a VMM that is about to run a guest. */
#include "vmm/hardening.h"

#include <dirent.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "vmm/console-server.h"
#include "vmm/fd-store.h"
#include "vmm/log.h"

/* Connections to be accepted: people at the console and one too many, and volt-reload's. */
enum { DESCRIPTORS_TO_COME = CONSOLE_CLIENTS_MAX + 4 };

void hardening_close_inherited(unsigned n)
{
    /* Since Linux 5.9; an older kernel's descriptors stay. */
    (void)syscall(SYS_close_range, FD_STORE_START + n, ~0U, 0);
}

static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    /* Until there is no such capability. Takes one itself; without, and with no_new_privs, the set
     * is of no use. */
    for (unsigned long c = 0; prctl(PR_CAPBSET_DROP, c, 0, 0, 0) >= 0; c++)
        ;
    if (syscall(SYS_capget, &header, data) < 0)
        return log_errno(-errno, "Cannot read the capabilities: %m");
    bool any = false;
    for (unsigned i = 0; i < ELEMENTSOF(data); i++)
        any = any || data[i].effective || data[i].permitted || data[i].inheritable;
    if (!any) /* the unit's filter of system calls does not let us try */
        return 0;
    memset(data, 0, sizeof(data));
    return syscall(SYS_capset, &header, data) < 0
               ? log_errno(-errno, "Cannot drop the capabilities: %m")
               : 0;
}

/* The highest descriptor that is open, -1 where that cannot be found out. */
static int highest_descriptor(void)
{
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;
    int highest = -1;

    while (dir && (entry = readdir(dir))) {
        int fd = atoi(entry->d_name); /* "." and "..": 0 */

        if (fd > highest)
            highest = fd;
    }
    if (dir)
        (void)closedir(dir);
    return highest;
}

static int lower_limit(int resource, rlim_t most, const char *what)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) < 0)
        return log_errno(-errno, "Cannot read the limit of %s: %m", what);
    if (limit.rlim_max <= most && limit.rlim_cur <= most)
        return 0;
    limit.rlim_max = limit.rlim_max < most ? limit.rlim_max : most;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(resource, &limit) < 0 ? log_errno(-errno, "Cannot limit the %s: %m", what) : 0;
}

/* Not RLIMIT_NPROC: the kernel's workers for an io_uring count there, and come and go. The unit's
 * TasksMax= bounds them, and no filter lets a thread or process be made. */
static int lower_limits(void)
{
    int highest = highest_descriptor();
    int r = lower_limit(RLIMIT_CORE, 0, "core file");

    if (r >= 0)
        r = lower_limit(RLIMIT_MEMLOCK, 0, "locked memory");
    if (r >= 0)
        r = lower_limit(RLIMIT_MSGQUEUE, 0, "message queues");
    if (r >= 0 && highest >= 0)
        r = lower_limit(RLIMIT_NOFILE, (rlim_t)highest + 1 + DESCRIPTORS_TO_COME,
                        "open descriptors");
    return r;
}

int hardening_apply(void)
{
    int r = drop_capabilities();

    return r < 0 ? r : lower_limits();
}
