/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lock-down: each forbidden call, in a process of its own, must end it; each allowed one must
 * not. */
#include "vmm/lockdown.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>

#include "test.h"

enum {
    MAIN = 1 << THREAD_MAIN,
    VCPU = 1 << THREAD_VCPU,
    DEVICE = 1 << THREAD_DEVICE,
    ALL = MAIN | VCPU | DEVICE,
    EXIT_MARK = 23,
};

/* All with descriptor -1 or an address of nothing: where the filter lets them pass, the kernel
 * refuses. */
static const struct {
    const char *name;
    long number, arguments[6];
    unsigned allowed; /* to these threads */
} calls[] = {
    {"write", SYS_write, {-1}, ALL},
    {"futex", SYS_futex, {0, 1}, ALL},
    {"clock_gettime", SYS_clock_gettime, {CLOCK_MONOTONIC, 0}, ALL},
    {"epoll_wait", SYS_epoll_wait, {-1}, MAIN | DEVICE},
    {"epoll_ctl", SYS_epoll_ctl, {-1}, MAIN | DEVICE},
    {"read", SYS_read, {-1}, MAIN | DEVICE},
    {"readv", SYS_readv, {-1}, DEVICE},
    {"writev", SYS_writev, {-1}, DEVICE},
    {"preadv", SYS_preadv, {-1}, DEVICE},
    {"pwritev", SYS_pwritev, {-1}, DEVICE},
    {"fdatasync", SYS_fdatasync, {-1}, DEVICE},
    {"fallocate", SYS_fallocate, {-1}, DEVICE},
    {"ioctl BLKDISCARD", SYS_ioctl, {-1, (long)BLKDISCARD}, DEVICE},
    {"getrandom", SYS_getrandom, {0, 0, 0}, DEVICE},
    {"getrandom with flags", SYS_getrandom, {0, 0, 2}, 0},
    {"lseek to the end", SYS_lseek, {-1, 0, SEEK_END}, DEVICE},
    {"lseek", SYS_lseek, {-1, 0, SEEK_SET}, 0},
    {"io_uring_enter", SYS_io_uring_enter, {-1, 1, 0, 0}, DEVICE},
    {"io_uring_enter, waiting", SYS_io_uring_enter, {-1, 0, 1, 1}, DEVICE},
    {"timerfd_settime", SYS_timerfd_settime, {-1}, MAIN},
    {"sendto without address", SYS_sendto, {-1, 0, 0, 0, 0, 0}, MAIN},
    {"accept4", SYS_accept4, {-1, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK}, MAIN},
    {"close", SYS_close, {-1}, MAIN},
    {"poll", SYS_poll, {0, 0, 0}, VCPU},
    {"ioctl KVM_RUN", SYS_ioctl, {-1, (long)KVM_RUN}, VCPU},
    {"ioctl KVM_KVMCLOCK_CTRL", SYS_ioctl, {-1, (long)KVM_KVMCLOCK_CTRL}, VCPU},
    {"ioctl KVM_IRQFD", SYS_ioctl, {-1, (long)KVM_IRQFD}, VCPU},
    {"ioctl KVM_IOEVENTFD", SYS_ioctl, {-1, (long)KVM_IOEVENTFD}, VCPU},
    {"ioctl KVM_SET_GSI_ROUTING", SYS_ioctl, {-1, (long)KVM_SET_GSI_ROUTING}, VCPU},
    {"ioctl TCSETSF", SYS_ioctl, {-1, (long)TCSETSF}, MAIN},

    {"sendto with address", SYS_sendto, {-1, 0, 0, 0, 4096, 16}, 0},
    {"ioctl KVM_CREATE_VM", SYS_ioctl, {-1, (long)KVM_CREATE_VM}, 0},
    {"ioctl KVM_CREATE_VCPU", SYS_ioctl, {-1, (long)KVM_CREATE_VCPU}, 0},
    {"ioctl KVM_SET_USER_MEMORY_REGION", SYS_ioctl, {-1, (long)KVM_SET_USER_MEMORY_REGION}, 0},
    {"ioctl BLKRRPART", SYS_ioctl, {-1, (long)BLKRRPART}, 0},
    {"ioctl TIOCSTI", SYS_ioctl, {-1, (long)TIOCSTI}, 0},
    {"ioctl KVM_RUN with high bits", SYS_ioctl, {-1, (long)(KVM_RUN | UINT64_C(1) << 32)}, 0},
    {"open", SYS_open, {0}, 0},
    {"openat", SYS_openat, {-1}, 0},
    {"openat2", 437, {-1}, 0},
    {"creat", SYS_creat, {0}, 0},
    {"socket", SYS_socket, {-1}, 0},
    {"connect", SYS_connect, {-1}, 0},
    {"bind", SYS_bind, {-1}, 0},
    {"accept4 of a descriptor that children keep", SYS_accept4, {-1}, 0},
    {"sendmsg", SYS_sendmsg, {-1}, 0},
    {"recvmsg", SYS_recvmsg, {-1}, 0},
    {"execve", SYS_execve, {0}, 0},
    {"execveat", SYS_execveat, {-1}, 0},
    {"clone", SYS_clone, {-1}, 0},
    {"clone3", 435, {0}, 0},
    {"fork", SYS_fork, {0}, 0},
    {"kill", SYS_kill, {0, -1}, 0},
    {"tgkill", SYS_tgkill, {-1, -1, -1}, 0},
    {"ptrace", SYS_ptrace, {-1}, 0},
    {"process_vm_readv", SYS_process_vm_readv, {-1}, 0},
    {"pidfd_getfd", 438, {-1}, 0},
    {"mmap", SYS_mmap, {0}, 0},
    {"mprotect", SYS_mprotect, {1}, 0},
    {"memfd_create", SYS_memfd_create, {0}, 0},
    {"dup", SYS_dup, {-1}, 0},
    {"fcntl", SYS_fcntl, {-1}, 0},
    {"unlink", SYS_unlink, {0}, 0},
    {"mount", SYS_mount, {0}, 0},
    {"unshare", SYS_unshare, {-1}, 0},
    {"setns", SYS_setns, {-1}, 0},
    {"setuid", SYS_setuid, {-1}, 0},
    {"prctl", SYS_prctl, {-1}, 0},
    {"seccomp", SYS_seccomp, {-1}, 0},
    {"bpf", SYS_bpf, {-1}, 0},
    {"io_uring_setup", SYS_io_uring_setup, {0}, 0},
    {"io_uring_register", SYS_io_uring_register, {-1}, 0},
    {"io_uring_enter of a registered ring", SYS_io_uring_enter, {0, 1, 0, 1 << 4}, 0},
    {"userfaultfd", SYS_userfaultfd, {-1}, 0},
    {"perf_event_open", SYS_perf_event_open, {0}, 0},
    {"getpid", SYS_getpid, {0}, 0},
    {"no such call", 9999, {0}, 0},
    /* The x32 numbers reach the same calls. */
    {"x32 openat", SYS_openat | 0x40000000, {-1}, 0},
    {"x32 write", SYS_write | 0x40000000, {-1}, 0},
};

/* Locks KIND's filter onto a new process and makes the call. Returns the wait status. */
static int call_locked(enum thread_kind kind, const long *arguments, long number)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (lockdown_thread(kind, NULL) < 0)
            _exit(1);
        (void)syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                      arguments[5]);
        (void)syscall(SYS_exit_group, EXIT_MARK);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void check_kind(enum thread_kind kind, const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(calls); i++) {
        int status = call_locked(kind, calls[i].arguments, calls[i].number);

        if (calls[i].allowed & 1u << kind) {
            if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_MARK)
                fail_msg("%s may not call %s: status %#x", name, calls[i].name, status);
        } else if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
            fail_msg("%s may call %s: status %#x", name, calls[i].name, status);
        }
    }
}

static void test_main(void **state _unused_)
{
    check_kind(THREAD_MAIN, "the main thread");
}

static void test_vcpu(void **state _unused_)
{
    check_kind(THREAD_VCPU, "a vCPU thread");
}

static void test_device(void **state _unused_)
{
    check_kind(THREAD_DEVICE, "a device thread");
}

static void forbidden_call(void *argument _unused_)
{
    (void)syscall(SYS_getpid);
}

/* The whole process ends, not only the thread that tried. */
static void test_whole_process(void **state _unused_)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        struct thread_gate gate;
        struct thread thread;

        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        thread_gate_init(&gate, lockdown_thread, NULL);
        if (thread_start(&thread, THREAD_DEVICE, "device", &gate, forbidden_call, NULL) < 0 ||
            thread_gate_wait(&gate, 1) < 0)
            _exit(1);
        thread_gate_open(&gate);
        for (;;)
            pause();
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static void test_process(void **state _unused_)
{
    int landlock = (int)syscall(444, NULL, 0, 1);
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        if (lockdown_process() < 0)
            _exit(1);
        if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
            _exit(2);
        int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
        if (landlock > 0 && (fd >= 0 || errno != EACCES))
            _exit(3);
        _exit(EXIT_MARK);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_MARK);
    if (landlock <= 0)
        print_message("this kernel has no Landlock: that part was not tested\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_main),    cmocka_unit_test(test_vcpu),
        cmocka_unit_test(test_device),  cmocka_unit_test(test_whole_process),
        cmocka_unit_test(test_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
