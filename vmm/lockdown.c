/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* no_new_privs, Landlock and the seccomp filters, which were compiled when Volt was built. */
#include "vmm/lockdown.h"

#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "filters.h"
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

int lockdown_process(void)
{
    reserve_heap();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return log_errno(-errno, "Cannot renounce new privileges: %m");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return log_errno(-errno, "Cannot forbid core files: %m");
    return restrict_with_landlock();
}

int lockdown_thread(enum thread_kind kind, void *context)
{
    static const struct {
        const struct sock_filter *program;
        size_t length;
    } filters[] = {
        [THREAD_MAIN] = {filter_main, ELEMENTSOF(filter_main)},
        [THREAD_VCPU] = {filter_vcpu, ELEMENTSOF(filter_vcpu)},
        [THREAD_DEVICE] = {filter_device, ELEMENTSOF(filter_device)},
    };
    const struct sock_fprog program = {
        .len = (unsigned short)filters[kind].length,
        .filter = (struct sock_filter *)filters[kind].program,
    };

    (void)context;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        return log_errno(-errno, "Cannot install a system call filter: %m");
    return 0;
}
