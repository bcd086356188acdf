/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The VMM with a hole, which is never installed: a thread of the kind that $VOLT_TRY names makes a
 * system call of its own once the machine runs. "KIND NUMBER ARGUMENT…" is one call; "KIND all"
 * tries every number with arguments of -1, and says which the filter lets pass, and ends by
 * SIGILL.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>

#include "vmm/event.h"
#include "vmm/filter.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/lockdown.h"
#include "vmm/log.h"

enum {
    NUMBERS = 1024,
    X32_BIT = 0x40000000,
    URETPROBE = 335, /* the kernel's own two: see tests/unit/vmm/test-filters.c */
    UPROBE = 336,
};

static __thread const struct filter *own;
static atomic_bool tried;
static jmp_buf back;

int __real_lockdown_thread(const struct filter *filter, void *context);
int __wrap_lockdown_thread(const struct filter *filter, void *context);
int __real_forbidden_call_init(int notify);
int __wrap_forbidden_call_init(int notify);
int __real_event_loop_wait(struct event_loop *loop);
int __wrap_event_loop_wait(struct event_loop *loop);
int __real_vcpu_run(struct vcpu *vcpu);
int __wrap_vcpu_run(struct vcpu *vcpu);

/* What follows the kind in $VOLT_TRY, where that is KIND. */
static const char *what_to_try(const char *kind)
{
    const char *try = getenv("VOLT_TRY");
    size_t length = strlen(kind);

    return try && strncmp(try, kind, length) == 0 && try[length] == ' ' ? try + length + 1 : NULL;
}

static void refused(int signal _unused_)
{
    longjmp(back, 1);
}

int __wrap_forbidden_call_init(int notify)
{
    const struct sigaction action = {.sa_handler = refused, .sa_flags = SA_NODEFER};
    const char *try = getenv("VOLT_TRY"), *all = try ? strchr(try, ' ') : NULL;

    if (!all || strcmp(all, " all") != 0)
        return __real_forbidden_call_init(notify);
    return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

int __wrap_lockdown_thread(const struct filter *filter, void *context)
{
    own = filter;
    return __real_lockdown_thread(filter, context);
}

static void try_all(void)
{
    volatile unsigned refusals = 0;

    for (volatile long i = 0; i < 2L * NUMBERS; i++) {
        volatile long number = i < NUMBERS ? i : (i - NUMBERS) | X32_BIT;

        if (number == SYS_exit_group || number == URETPROBE || number == UPROBE)
            continue;
        if (_setjmp(back) != 0) {
            refusals++;
            continue;
        }
        (void)syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
        log_notice("passed: %s", i < NUMBERS && filter_call_name(i) ? filter_call_name(i) : "?");
    }
    log_notice("%s: %u calls were refused", own->name, refusals);
    __builtin_trap(); /* the end, without a system call */
}

static void attempt(void)
{
    const char *try = own ? what_to_try(own->name) : NULL;
    long values[7] = {0};

    if (!try || atomic_exchange(&tried, true))
        return;
    if (strcmp(try, "all") == 0) {
        try_all();
    }
    for (unsigned i = 0; i < ELEMENTSOF(values) && *try; i++)
        values[i] = strtol(try, (char **)&try, 0);
    (void)syscall(values[0], values[1], values[2], values[3], values[4], values[5], values[6]);
    log_error("FAIL: the call was made");
}

int __wrap_event_loop_wait(struct event_loop *loop)
{
    attempt();
    return __real_event_loop_wait(loop);
}

int __wrap_vcpu_run(struct vcpu *vcpu)
{
    attempt();
    return __real_vcpu_run(vcpu);
}
