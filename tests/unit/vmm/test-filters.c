/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The filters, one by one: what is allowed stands here once more, by hand; each other system call
 * that there is, and each other value of an argument that matters, is tried and must be refused.
 */
#include "vmm/filters.h"

#include <asm/ioctls.h>
#include <linux/audit.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <linux/vhost.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "test.h"
#include "vmm/lockdown.h"

enum {
    MAIN = 1 << 0,
    VCPU = 1 << 1,
    NET = 1 << 2,
    NET_VHOST = 1 << 3,
    DISK = 1 << 4,
    DISK_URING = 1 << 5,
    VSOCK = 1 << 6,
    RNG = 1 << 7,
    BALLOON = 1 << 8,
    CONSOLE = 1 << 9,
    KINDS = 10,
    ALL = (1 << KINDS) - 1,
    MADE = ALL & ~MAIN,
    DEVICES = MADE & ~VCPU,
    VHOSTS = NET_VHOST | VSOCK,
    DISKS = DISK | DISK_URING,
    NETS = NET | NET_VHOST,

    CALLS = 1024, /* far more than there are */
    /* No calls of a program: the kernel makes them from pages of its own, lets them pass by all
     * filters (Linux 6.14), and refuses whoever else makes them (SIGILL, ENXIO). */
    URETPROBE = 335,
    UPROBE = 336,
    X32_BIT = 0x40000000,
};

static const struct filter *const kinds[KINDS] = {
    &filter_main,       &filter_vcpu,  &filter_net, &filter_net_vhost, &filter_disk,
    &filter_disk_uring, &filter_vsock, &filter_rng, &filter_balloon,   &filter_console,
};

/* With a descriptor of -1 or an address of nothing: what the filter lets pass, the kernel refuses.
 */
static const struct {
    long number, arguments[6];
    unsigned allowed; /* to these */
} calls[] = {
    {SYS_write, {-1}, ALL},
    {SYS_futex, {0, FUTEX_WAIT_PRIVATE}, ALL},
    {SYS_futex, {0, FUTEX_WAKE_PRIVATE}, ALL},
    {SYS_futex, {0, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME}, MADE},
    {SYS_clock_gettime, {CLOCK_MONOTONIC}, MAIN | VCPU | DISKS | RNG},
    {SYS_clock_gettime, {CLOCK_BOOTTIME}, MAIN},
    {SYS_epoll_wait, {-1}, MAIN | DEVICES},
    {SYS_epoll_ctl, {-1, EPOLL_CTL_ADD, -1}, MAIN | DEVICES},
    {SYS_epoll_ctl, {-1, EPOLL_CTL_DEL, -1}, MAIN | DEVICES},
    {SYS_epoll_ctl, {-1, EPOLL_CTL_MOD, -1}, MAIN | NETS},
    {SYS_read, {-1}, MAIN | DEVICES},
    {SYS_readv, {-1}, NET},
    {SYS_writev, {-1}, NET},
    {SYS_preadv, {-1}, DISKS},
    {SYS_pwritev, {-1}, DISKS | BALLOON},
    {SYS_fdatasync, {-1}, DISKS},
    {SYS_madvise, {0, 0, MADV_DONTNEED}, BALLOON},
    {SYS_fallocate, {-1, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE}, DISKS | BALLOON},
    {SYS_fallocate, {-1, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE}, DISKS},
    {SYS_lseek, {-1, 0, SEEK_END}, DISKS},
    {SYS_io_uring_enter, {-1, 1, 0, 0}, DISK_URING},
    {SYS_io_uring_enter, {-1, 0, 1, 1}, DISK_URING},
    {SYS_getrandom, {0, 0, 0}, RNG},
    {SYS_timerfd_settime, {-1}, MAIN},
    {SYS_sendto, {-1, 0, 0, MSG_NOSIGNAL, 0, 0}, MAIN},
    {SYS_accept4, {-1, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK}, MAIN},
    {SYS_close, {-1}, MAIN},
    {SYS_exit_group, {0}, MAIN},
    {SYS_ppoll, {0, 1, 0, 0}, VCPU},
    {SYS_ioctl, {-1, (long)KVM_RUN}, VCPU},
    {SYS_ioctl, {-1, (long)KVM_KVMCLOCK_CTRL}, VCPU},
    {SYS_ioctl, {-1, (long)KVM_IRQFD}, VCPU},
    {SYS_ioctl, {-1, (long)KVM_IOEVENTFD}, VCPU},
    {SYS_ioctl, {-1, (long)KVM_SET_GSI_ROUTING}, VCPU},
    {SYS_ioctl, {-1, (long)BLKDISCARD}, DISKS},
    {SYS_ioctl, {-1, (long)TUNSETOFFLOAD}, NETS},
    {SYS_ioctl, {-1, (long)TUNSETQUEUE}, NETS},
    {SYS_ioctl, {-1, (long)VHOST_SET_FEATURES}, VHOSTS},
    {SYS_ioctl, {-1, (long)VHOST_SET_VRING_NUM}, VHOSTS},
    {SYS_ioctl, {-1, (long)VHOST_SET_VRING_ADDR}, VHOSTS},
    {SYS_ioctl, {-1, (long)VHOST_SET_VRING_BASE}, VHOSTS},
    {SYS_ioctl, {-1, (long)VHOST_GET_VRING_BASE}, VHOSTS},
    {SYS_ioctl, {-1, (long)VHOST_SET_VRING_KICK}, VHOSTS},
    {SYS_ioctl, {-1, (long)VHOST_SET_VRING_CALL}, VHOSTS},
    {SYS_ioctl, {-1, (long)VHOST_SET_VRING_ERR}, VHOSTS},
    {SYS_ioctl, {-1, (long)VHOST_NET_SET_BACKEND}, NET_VHOST},
    {SYS_ioctl, {-1, (long)VHOST_VSOCK_SET_RUNNING}, VSOCK},
    {SYS_ioctl, {STDIN_FILENO, (long)TCSETSF}, MAIN},

    /* Where the other arguments are right, or the number's other half is not. */
    {SYS_ioctl, {-1, (long)TCSETSF}, 0},
    {SYS_sendto, {-1, 0, 0, MSG_NOSIGNAL, 4096, 16}, 0},
    {SYS_sendto, {-1, 0, 0, MSG_NOSIGNAL, 1L << 40, 16}, 0},
    {SYS_lseek, {-1, 1, SEEK_END}, 0},
    {SYS_lseek, {-1, 1L << 40, SEEK_END}, 0},
    {SYS_ppoll, {0, 2, 0, 0}, 0},
    {SYS_ppoll, {0, 1, 0, 4096, 8}, 0},
    {SYS_ppoll, {0, 1, 0, 1L << 40, 8}, 0},
    {SYS_write | X32_BIT, {-1}, 0},
};

/* Arguments of which the filters look at the values: all of these are tried. */
static const struct {
    long number;
    unsigned argument, end;
} scans[] = {
    {SYS_futex, 1, 1024},          {SYS_epoll_ctl, 1, 64},      {SYS_fallocate, 1, 256},
    {SYS_madvise, 2, 128},         {SYS_lseek, 2, 64},          {SYS_getrandom, 2, 64},
    {SYS_io_uring_enter, 3, 1024}, {SYS_timerfd_settime, 1, 8}, {SYS_clock_gettime, 0, 64},
    {SYS_accept4, 3, 4096},
};

/* Between a child, which can do little, and its parent. */
struct report {
    unsigned done, wrong;
    unsigned allowed; /* as it should be */
    unsigned long tried;
    long number, arguments[6]; /* of the first that went wrong */
    bool passed;               /* and whether it was allowed */
};

static struct report *report;
static jmp_buf back;

static void refused(int signal _unused_)
{
    longjmp(back, 1);
}

/* What the kernel makes of a filter, for trials in larger numbers: its answer to a call. */
static uint32_t answer(const struct filter *filter, const struct seccomp_data *data)
{
    const uint8_t *bytes = (const uint8_t *)data;
    uint32_t a = 0;

    for (unsigned at = 0; at < filter->length; at++) {
        const struct sock_filter *i = &filter->program[at];

        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            memcpy(&a, bytes + i->k, sizeof(a));
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= i->k;
            break;
        case BPF_JMP | BPF_JA:
            at += i->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            at += a == i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            at += a >= i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            at += a > i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            at += a & i->k ? i->jt : i->jf;
            break;
        case BPF_RET | BPF_K:
            return i->k;
        default:
            fail_msg("%s: instruction %u is not known here", filter->name, at);
        }
    }
    fail_msg("%s has no end", filter->name);
    return 0;
}

static bool answer_is_yes(const struct filter *filter, uint32_t arch, long number, const long *a)
{
    struct seccomp_data data = {.nr = (int)number, .arch = arch};

    for (unsigned i = 0; i < ELEMENTSOF(data.args); i++)
        data.args[i] = (uint64_t)a[i];
    return answer(filter, &data) == SECCOMP_RET_ALLOW;
}

static void try_call(unsigned kind, long number, const long *a, bool may)
{
    const struct filter *filter = kinds[__builtin_ctz(kind)];
    volatile bool passed = false;

    if (_setjmp(back) == 0) {
        (void)syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        passed = true;
    }
    report->tried++;
    report->allowed += passed;
    if (passed == may && passed == answer_is_yes(filter, AUDIT_ARCH_X86_64, number, a))
        return;
    if (report->wrong++ == 0) {
        report->number = number;
        memcpy(report->arguments, a, sizeof(report->arguments));
        report->passed = passed;
    }
}

/* Whether KIND may make the call with VALUE as its ARGUMENT (by itself: with anything). */
static bool is_allowed(unsigned kind, long number, int argument, long value)
{
    for (size_t i = 0; i < ELEMENTSOF(calls); i++)
        if (calls[i].number == number && (calls[i].allowed & kind) &&
            (argument < 0 || calls[i].arguments[argument] == value))
            return true;
    return false;
}

static void try_numbers(unsigned kind)
{
    static const long zeros[6], ones[6] = {-1, -1, -1, -1, -1, -1};

    for (long number = 0; number < CALLS; number++) {
        if (is_allowed(kind, number, -1, 0) || number == URETPROBE || number == UPROBE)
            continue;
        try_call(kind, number, zeros, false);
        try_call(kind, number, ones, false);
        try_call(kind, number | X32_BIT, zeros, false);
    }
}

static void try_values(unsigned kind)
{
    for (size_t i = 0; i < ELEMENTSOF(scans); i++) {
        for (unsigned value = 0; value < scans[i].end; value++) {
            long arguments[6] = {0};

            if (scans[i].argument > 0)
                arguments[0] = -1;
            if (scans[i].number == SYS_futex || scans[i].number == SYS_getrandom)
                arguments[0] = 0;
            arguments[scans[i].argument] = value;
            try_call(kind, scans[i].number, arguments,
                     is_allowed(kind, scans[i].number, (int)scans[i].argument, value));
        }
    }
}

static void try_all(unsigned kind)
{
    for (size_t i = 0; i < ELEMENTSOF(calls); i++)
        if (calls[i].number != SYS_exit_group)
            try_call(kind, calls[i].number, calls[i].arguments, calls[i].allowed & kind);
    try_numbers(kind);
    try_values(kind);
}

static const char *name_of(long number)
{
    const char *name = filter_call_name(number);

    return name ? name : "?";
}

static void check_kind(unsigned index)
{
    report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(report, MAP_FAILED);
    pid_t pid = fork();
    if (pid == 0) {
        const struct sigaction action = {.sa_handler = refused, .sa_flags = SA_NODEFER};

        (void)sigaction(SIGSYS, &action, NULL);
        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (lockdown_thread(kinds[index], NULL) < 0)
            _exit(1);
        try_all(1u << index);
        __atomic_store_n(&report->done, 1, __ATOMIC_SEQ_CST);
        for (;;)
            ;
    }
    assert_true(pid > 0);
    int status = 0;
    while (!__atomic_load_n(&report->done, __ATOMIC_SEQ_CST) && waitpid(pid, &status, WNOHANG) == 0)
        (void)usleep(1000);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    if (!report->done)
        fail_msg("%s: the child is gone after %lu calls: status %#x", kinds[index]->name,
                 report->tried, status);
    if (report->wrong > 0)
        fail_msg("%s: %u of %lu; the first: %s (%ld) with %#lx, %#lx, %#lx, %#lx is %s",
                 kinds[index]->name, report->wrong, report->tried, name_of(report->number),
                 report->number, report->arguments[0], report->arguments[1], report->arguments[2],
                 report->arguments[3], report->passed ? "allowed" : "refused");
    print_message("%s: %lu calls tried, %u allowed\n", kinds[index]->name, report->tried,
                  report->allowed);
    (void)munmap(report, sizeof(*report));
}

static void test_each(void **state _unused_)
{
    for (unsigned i = 0; i < KINDS; i++)
        check_kind(i);
}

static void check_request(unsigned index, unsigned long request)
{
    const long arguments[6] = {-1, (long)request};
    bool may = request != TCSETSF && is_allowed(1u << index, SYS_ioctl, 1, (long)request);

    if (answer_is_yes(kinds[index], AUDIT_ARCH_X86_64, SYS_ioctl, arguments) != may)
        fail_msg("%s: ioctl %#lx is %s", kinds[index]->name, request, may ? "refused" : "allowed");
}

/* All types and numbers without an argument; of the types that are used, all shapes as well. */
static void test_requests(void **state _unused_)
{
    static const unsigned char types[] = {KVMIO, VHOST_VIRTIO, 'T', 0x12};

    for (unsigned index = 0; index < KINDS; index++) {
        for (unsigned request = 0; request <= UINT16_MAX; request++)
            check_request(index, request);
        for (size_t i = 0; i < sizeof(types); i++)
            for (unsigned rest = 0; rest < 1u << 14; rest++)
                check_request(index, _IOC(rest % 4, types[i], rest / 4 % 256, rest / 1024 * 4));
    }
}

/* Nor does a call of another architecture pass that has an allowed one's number. */
static void test_architectures(void **state _unused_)
{
    static const uint32_t others[] = {AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0, UINT32_MAX};

    for (unsigned index = 0; index < KINDS; index++)
        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
            for (size_t j = 0; j < ELEMENTSOF(others); j++)
                assert_false(
                    answer_is_yes(kinds[index], others[j], calls[i].number, calls[i].arguments));
}

/* Those that are compiled are those that are tested; and they are as small as they are said to be.
 */
static void test_list(void **state _unused_)
{
    unsigned n = 0;

    for (; filters[n]; n++) {
        unsigned limit = filters[n] == &filter_main ? 25 : filters[n] == &filter_vcpu ? 8 : 15;

        assert_true(n < KINDS);
        assert_ptr_equal(filters[n], kinds[n]);
        if (filters[n]->n_calls > limit)
            fail_msg("%s has %u calls", filters[n]->name, filters[n]->n_calls);
    }
    assert_int_equal(n, KINDS);
}

static void test_names(void **state _unused_)
{
    assert_string_equal(filter_call_name(SYS_read), "read");
    assert_string_equal(filter_call_name(SYS_openat), "openat");
    assert_string_equal(filter_call_name(SYS_io_uring_enter), "io_uring_enter");
    assert_null(filter_call_name(-1));
    assert_null(filter_call_name(400)); /* a hole in the table of x86-64 */
    assert_null(filter_call_name(100000));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),          cmocka_unit_test(test_names),
        cmocka_unit_test(test_each),          cmocka_unit_test(test_requests),
        cmocka_unit_test(test_architectures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
