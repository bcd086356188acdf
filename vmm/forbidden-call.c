/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The filters answer a forbidden call with SIGSYS, which is not blocked in any thread. Whoever
 * makes such a call may be an attacker, and may have come from anywhere, a half-done malloc()
 * likewise: what happens here takes no lock, no memory and no call but write(2), and there is no
 * way back. The thread then makes one more forbidden call. SIGSYS is blocked by now, so that the
 * kernel ends the process without asking anybody; it would do the same if the thread had blocked it
 * before, or if its stack were no stack.
 */
#include "vmm/forbidden-call.h"

#include <linux/audit.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "vmm/log.h"

/* Why SIGSYS came; not all C libraries have it. */
#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

enum {
    X32_BIT = 0x40000000,
    ARGUMENTS = 4, /* that are shown: the lower halves, which tell requests but no addresses */
};

/* A signal handler is given nothing but the signal. */
static int notify_fd = -EBADF;
static __thread char thread_name[16];
static __thread const char *filter_name;

struct line {
    char text[320];
    size_t length;
};

static void add_text(struct line *line, const char *text)
{
    while (*text && line->length < sizeof(line->text) - 1)
        line->text[line->length++] = *text++;
}

static void add_number(struct line *line, unsigned value, unsigned base)
{
    char digits[16];
    size_t n = sizeof(digits) - 1;

    digits[n] = '\0';
    do
        digits[--n] = "0123456789abcdef"[value % base];
    while ((value /= base) > 0);
    add_text(line, base == 16 ? "0x" : "");
    add_text(line, digits + n);
}

static void add_call(struct line *line, const siginfo_t *info, const ucontext_t *context)
{
    static const int registers[ARGUMENTS] = {REG_RDI, REG_RSI, REG_RDX, REG_R10};
    bool foreign = info->si_arch != AUDIT_ARCH_X86_64 || (info->si_syscall & X32_BIT);
    const char *name = foreign ? NULL : filter_call_name(info->si_syscall);

    add_text(line, name ? name : foreign ? "of another architecture" : "without a name");
    add_text(line, " (number ");
    add_number(line, (unsigned)info->si_syscall & ~(unsigned)X32_BIT, 10);
    for (unsigned i = 0; i < ARGUMENTS; i++) {
        add_text(line, i == 0 ? "; " : ", ");
        add_number(line, (unsigned)context->uc_mcontext.gregs[registers[i]], 16);
    }
    add_text(line, ")");
}

static void tell(const siginfo_t *info, const ucontext_t *context)
{
    struct line line = {.length = 0};

    add_text(&line, "STATUS=");
    add_text(&line, log_has_prefix() ? "<3>" : "");
    size_t begin = strlen("STATUS="), status = line.length - begin;
    add_text(&line, "The thread '");
    add_text(&line, thread_name);
    add_text(&line, "' tried the system call ");
    add_call(&line, info, context);
    add_text(&line, ", which the filter '");
    add_text(&line, filter_name ? filter_name : "?");
    add_text(&line, "' forbids; the VM is ended");
    line.text[line.length] = '\n';
    ssize_t n _unused_ = write(STDERR_FILENO, line.text + begin, line.length + 1 - begin);
    if (notify_fd < 0)
        return;
    /* The same without the journal's prefix. */
    memmove(line.text + begin, line.text + begin + status, line.length - begin - status);
    n = write(notify_fd, line.text, line.length - status);
}

static void forbidden(int signal _unused_, siginfo_t *info, void *context)
{
    if (info->si_code == SYS_SECCOMP)
        tell(info, context);
    for (;;) {
        (void)syscall(SYS_getpid);        /* forbidden to all */
        (void)syscall(SYS_exit_group, 1); /* where there is no filter yet */
    }
}

int forbidden_call_init(int notify)
{
    struct sigaction action = {.sa_sigaction = forbidden, .sa_flags = SA_SIGINFO};

    notify_fd = notify;
    sigfillset(&action.sa_mask);
    return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

void forbidden_call_set_filter(const struct filter *filter)
{
    filter_name = filter->name;
    (void)prctl(PR_GET_NAME, thread_name);
}
