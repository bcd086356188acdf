/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* no_new_privs, Landlock and the seccomp filters, which were compiled when Volt was built. */
#include "vmm/lockdown.h"

#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "vmm/forbidden-call.h"
#include "vmm/log.h"

enum { HEAP_RESERVE = 256 * 1024 };

/* All file-system rights, by Landlock version: each adds the higher bits. */
static const uint64_t landlock_rights[] = {
    [1] = (UINT64_C(1) << 13) - 1, [2] = (UINT64_C(1) << 14) - 1, /* REFER */
    [3] = (UINT64_C(1) << 15) - 1,                                /* TRUNCATE */
    [4] = (UINT64_C(1) << 15) - 1, [5] = (UINT64_C(1) << 16) - 1, /* IOCTL_DEV */
};

/* The kernel's newest ruleset attributes; older kernels take a shorter structure. */
struct ruleset_attributes {
    uint64_t access_fs;
    uint64_t access_net; /* since 4: bind and connect */
    uint64_t scoped;     /* since 6: abstract sockets and signals */
};

/* A ruleset without a rule: everything that it names is denied. */
static int restrict_with_landlock(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 0) {
        log_notice("This kernel has no Landlock (%m); going on without");
        return 0;
    }
    size_t newest = ELEMENTSOF(landlock_rights) - 1;
    struct ruleset_attributes attributes = {
        .access_fs = landlock_rights[(size_t)abi < newest ? (size_t)abi : newest],
        .access_net = abi >= 4 ? 3 : 0,
        .scoped = abi >= 6 ? 3 : 0,
    };
    size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;

    _cleanup_close_ int fd = (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
    if (fd < 0)
        return log_errno(-errno, "Cannot make a Landlock ruleset: %m");
    if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
        return log_errno(-errno, "Cannot enforce Landlock: %m");
    return 0;
}

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
    return restrict_with_landlock();
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
