// SPDX-License-Identifier: LGPL-2.1-or-later
/* Capabilities, no_new_privs and the environment of a helper. */
#include "generator/helper-privileges.h"
#include "generator/helper-log.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <syslog.h>

#include "vmm/cleanup.h"

/* By its beginning. PATH and LD_* are not among them: a helper runs nothing. */
static const char *const variables[] = {
    "NOTIFY_SOCKET=", "JOURNAL_STREAM=", "INVOCATION_ID=",           "SYSTEMD_",
    "MAINPID=",       "VOLT_",           "DBUS_SYSTEM_BUS_ADDRESS=",
};

static bool is_wanted(const char *variable)
{
    for (size_t i = 0; i < ELEMENTSOF(variables); i++)
        if (strncmp(variable, variables[i], strlen(variables[i])) == 0)
            return true;
    return false;
}

static void forget_environment(void)
{
    char **to = environ;

    for (char **from = environ; from && *from; from++)
        if (is_wanted(*from))
            *to++ = *from;
    if (to)
        *to = NULL;
}

static int lower_capabilities(uint64_t keep)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    for (unsigned i = 0; i < ELEMENTSOF(data); i++) {
        data[i].permitted &= (uint32_t)(keep >> (32 * i));
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

void helper_privileges_keep(uint64_t keep)
{
    int r = 0;

    forget_environment();
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    /* Takes a capability of its own, so it goes first; it is in vain the second time, and by hand.
     */
    for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
        if (!(keep & UINT64_C(1) << c))
            (void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        r = -errno;
    if (r >= 0)
        r = lower_capabilities(keep);
    if (r < 0)
        helper_log(LOG_WARNING, "cannot give up privileges: %s", strerror(-r));
}
