/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* no_new_privs, Landlock and the seccomp filters, which were compiled when Volt was built. */
#include "vmm/lockdown.h"

#include <linux/seccomp.h>
#include <malloc.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "vmm/forbidden-call.h"
#include "vmm/landlock.h"
#include "vmm/log.h"

enum { HEAP_RESERVE = 256 * 1024 };

/* After the lock-down no memory is mapped any more. What little is needed later (to read a device's
 * new settings) comes from one heap, for all threads, which has room and is never given back. Pages
 * that nobody touches cost nothing. */
static void reserve_heap(void)
{
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, 2 * HEAP_RESERVE);
    (void)mallopt(M_TRIM_THRESHOLD, -1);
    void *volatile reserve = malloc(HEAP_RESERVE); /* volatile: or it is optimised away */
    free(reserve);
}

int lockdown_process(int notify)
{
    reserve_heap();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return log_errno(-errno, "Cannot renounce new privileges: %m");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return log_errno(-errno, "Cannot forbid core files: %m");
    int r = forbidden_call_init(notify);
    if (r < 0)
        return log_errno(r, "Cannot handle SIGSYS: %s", strerror(-r));
    return landlock_deny_all();
}

int lockdown_thread(const struct filter *filter, void *context _unused_)
{
    const struct sock_fprog program = {
        .len = filter->length,
        .filter = (struct sock_filter *)filter->program,
    };

    forbidden_call_set_filter(filter);
    /* Logged: the kernel's own log tells of a forbidden call, too, where it has an audit. */
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &program) < 0)
        return log_errno(-errno, "Cannot install a system call filter: %m");
    return 0;
}
