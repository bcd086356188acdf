/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lock-down: what a forbidden call does to the process, and who hears of it. */
#include "vmm/lockdown.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "test.h"
#include "vmm/filters.h"
#include "vmm/forbidden-call.h"

enum { EXIT_MARK = 23 };

/* What somebody would try who took a thread over. Where no filter stopped them, some would work. */
static const struct {
    const char *name;
    long number, arguments[6];
} calls[] = {
    {"open", SYS_open, {0}},
    {"openat", SYS_openat, {AT_FDCWD}},
    {"openat2", SYS_openat2, {AT_FDCWD}},
    {"creat", SYS_creat, {0}},
    {"socket", SYS_socket, {AF_INET, SOCK_STREAM}},
    {"socketpair", SYS_socketpair, {AF_UNIX, SOCK_STREAM}},
    {"connect", SYS_connect, {-1}},
    {"sendmsg", SYS_sendmsg, {-1}},
    {"recvmsg", SYS_recvmsg, {-1}},
    {"clone", SYS_clone, {SIGCHLD}},
    {"clone", SYS_clone, {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD}},
    {"clone3", SYS_clone3, {0}},
    {"fork", SYS_fork, {0}},
    {"vfork", SYS_vfork, {0}},
    {"execve", SYS_execve, {0}},
    {"execveat", SYS_execveat, {-1}},
    {"ptrace", SYS_ptrace, {0}},
    {"process_vm_readv", SYS_process_vm_readv, {1}},
    {"process_vm_writev", SYS_process_vm_writev, {1}},
    {"mmap", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
    {"mmap", SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
    {"mprotect", SYS_mprotect, {4096, 4096, PROT_READ | PROT_EXEC}},
    {"pkey_mprotect", SYS_pkey_mprotect, {4096, 4096, PROT_EXEC, -1}},
    {"mremap", SYS_mremap, {0}},
    {"memfd_create", SYS_memfd_create, {0}},
    {"io_uring_setup", SYS_io_uring_setup, {1}},
    {"io_uring_register", SYS_io_uring_register, {-1}},
    {"bpf", SYS_bpf, {0}},
    {"userfaultfd", SYS_userfaultfd, {0}},
    {"perf_event_open", SYS_perf_event_open, {0}},
    {"kill", SYS_kill, {1, 0}},
    {"tgkill", SYS_tgkill, {1, 1, 0}},
    {"pidfd_open", SYS_pidfd_open, {1}},
    {"pidfd_getfd", SYS_pidfd_getfd, {-1}},
    {"prctl", SYS_prctl, {PR_SET_DUMPABLE, 1}},
    {"seccomp", SYS_seccomp, {0}},
    {"rt_sigaction", SYS_rt_sigaction, {SIGSYS}},
    {"rt_sigprocmask", SYS_rt_sigprocmask, {SIG_BLOCK}},
    {"rt_sigreturn", SYS_rt_sigreturn, {0}},
    {"setuid", SYS_setuid, {0}},
    {"capset", SYS_capset, {0}},
    {"unshare", SYS_unshare, {CLONE_NEWUSER}},
    {"setns", SYS_setns, {-1}},
    {"mount", SYS_mount, {0}},
    {"unlink", SYS_unlink, {0}},
    {"dup", SYS_dup, {2}},
    {"fcntl", SYS_fcntl, {2, F_DUPFD}},
    {"getpid", SYS_getpid, {0}},
    {"ioctl", SYS_ioctl, {0, (long)KVM_CREATE_VM}},
    {"ioctl", SYS_ioctl, {0, 0x5412}}, /* TIOCSTI */
};

static void lock(const struct filter *filter, const char *name, int notify)
{
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_NAME, name);
    if (forbidden_call_init(notify) < 0 || lockdown_thread(filter, NULL) < 0)
        _exit(1);
}

static void check_killed(pid_t pid, const char *kind, const char *what)
{
    int status;

    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
        fail_msg("%s: %s ended with status %#x", kind, what, status);
}

/* Each of them, in a process of its own, by each kind of thread. */
static void test_calls(void **state _unused_)
{
    for (const struct filter *const *filter = filters; *filter; filter++) {
        for (size_t i = 0; i < ELEMENTSOF(calls); i++) {
            const long *a = calls[i].arguments;
            struct capture capture = capture_start();
            char expected[160];
            pid_t pid = fork();

            if (pid == 0) {
                lock(*filter, "a thread", -EBADF);
                (void)syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);
                (void)syscall(SYS_exit_group, EXIT_MARK);
            }
            check_killed(pid, (*filter)->name, calls[i].name);
            _cleanup_free_ char *text = capture_end(&capture);
            (void)snprintf(
                expected, sizeof(expected),
                "The thread 'a thread' tried the system call %s (number %ld; 0x%x, 0x%x, ",
                calls[i].name, calls[i].number, (unsigned)a[0], (unsigned)a[1]);
            assert_non_null(strstr(text, expected));
            (void)snprintf(expected, sizeof(expected), "), which the filter '%s' forbids; the VM",
                           (*filter)->name);
            assert_non_null(strstr(text, expected));
            assert_int_equal(count_lines(text), 1);
        }
    }
}

/* The numbers that reach the same calls by another door. */
static void test_other_architectures(void **state _unused_)
{
    struct capture capture = capture_start();
    pid_t pid = fork();

    if (pid == 0) {
        lock(&filter_main, "main", -EBADF);
        (void)syscall(SYS_write | 0x40000000, -1, 0, 0);
        (void)syscall(SYS_exit_group, EXIT_MARK);
    }
    check_killed(pid, "main", "the x32 write");
    _cleanup_free_ char *text = capture_end(&capture);
    assert_non_null(strstr(text, "the system call of another architecture (number 1; 0xffffffff"));

    capture = capture_start();
    pid = fork();
    if (pid == 0) {
        long r = SYS_getpid;

        lock(&filter_main, "main", -EBADF);
        __asm__ volatile("movl $1, %%eax; xorl %%ebx, %%ebx; int $0x80"
                         : "=a"(r)
                         :
                         : "rbx", "memory");
        (void)syscall(SYS_exit_group, EXIT_MARK);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    /* A kernel without the i386 calls has no such door: SIGSEGV. */
    assert_true(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV));
    _cleanup_free_ char *other = capture_end(&capture);
    if (WTERMSIG(status) == SIGSYS)
        assert_non_null(strstr(other, "the system call of another architecture (number 1; "));
}

static void forbidden_call(void *argument _unused_)
{
    (void)syscall(SYS_getuid);
}

/* The whole process ends, not only the thread that tried; systemd is told in one line. */
static void test_whole_process(void **state _unused_)
{
    struct capture capture = capture_start();
    int sockets[2];
    char status[512] = "";

    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct thread_gate gate;
        struct thread thread;

        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (forbidden_call_init(sockets[1]) < 0)
            _exit(1);
        thread_gate_init(&gate, lockdown_thread, NULL);
        if (thread_start(&thread, &filter_rng, "entropy", &gate, forbidden_call, NULL) < 0 ||
            thread_gate_wait(&gate, 1) < 0)
            _exit(1);
        thread_gate_open(&gate);
        for (;;)
            pause();
    }
    check_killed(pid, "rng", "getuid");
    _cleanup_free_ char *text = capture_end(&capture);
    assert_true(read(sockets[0], status, sizeof(status) - 1) > 0);
    assert_memory_equal(status, "STATUS=The thread 'entropy' tried the system call getuid (number ",
                        60);
    assert_non_null(strstr(status, "), which the filter 'rng' forbids; the VM is ended"));
    assert_null(strchr(status, '\n'));
    assert_memory_equal(text, status + strlen("STATUS="), strlen(status) - strlen("STATUS="));
    (void)close(sockets[0]);
    (void)close(sockets[1]);
}

/* One that blocks the signal, or has no stack that could hold its frame, dies without a word. */
static void test_handler_cannot_run(void **state _unused_)
{
    struct capture capture = capture_start();
    pid_t pid = fork();

    if (pid == 0) {
        sigset_t set;

        sigfillset(&set);
        (void)sigprocmask(SIG_BLOCK, &set, NULL);
        lock(&filter_vcpu, "vcpu0", -EBADF);
        (void)syscall(SYS_getuid);
        for (;;)
            ;
    }
    check_killed(pid, "vcpu", "a blocked SIGSYS");
    pid = fork();
    if (pid == 0) {
        lock(&filter_vcpu, "vcpu0", -EBADF);
        __asm__ volatile("movl $102, %eax; movl $64, %esp; syscall; 1: jmp 1b");
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    _cleanup_free_ char *text = capture_end(&capture);
    assert_string_equal(text, "");
}

/* What Landlock of VERSION has denied, tried without a filter. The first attempt that fails to
 * fail. */
static int try_landlock(int version, const struct sockaddr_un *local, socklen_t size)
{
    struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_port = 1};

    if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES)
        return 3;
    if (open("/tmp/volt-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 || errno != EACCES)
        return 4;
    if (mkdir("/tmp/volt-test", 0700) == 0 || errno != EACCES)
        return 5;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (version >= 4 && fd >= 0 &&
        (connect(fd, (const struct sockaddr *)&tcp, sizeof(tcp)) == 0 || errno != EACCES))
        return 6;
    if (version >= 4 && fd >= 0 &&
        (bind(fd, (const struct sockaddr *)&tcp, sizeof(tcp)) == 0 || errno != EACCES))
        return 7;
    if (version >= 6 && (kill(getppid(), 0) == 0 || errno != EPERM))
        return 8;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (version >= 6 && (connect(fd, (const struct sockaddr *)local, size) == 0 || errno != EPERM))
        return 9;
    return EXIT_MARK;
}

static void test_process(void **state _unused_)
{
    int landlock =
        (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    int abstract = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(local);
    int status;

    /* An abstract name of the kernel's choice. */
    assert_int_equal(bind(abstract, (const struct sockaddr *)&local, sizeof(sa_family_t)), 0);
    assert_int_equal(getsockname(abstract, (struct sockaddr *)&local, &size), 0);
    assert_int_equal(listen(abstract, 1), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (lockdown_process(-EBADF) < 0)
            _exit(1);
        if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
            _exit(2);
        _exit(landlock > 0 ? try_landlock(landlock, &local, size) : EXIT_MARK);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_MARK);
    (void)close(abstract);
    print_message("Landlock of version %d was tried\n", landlock);
    if (landlock <= 0)
        print_message("this kernel has no Landlock: that part was not tested\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),         cmocka_unit_test(test_other_architectures),
        cmocka_unit_test(test_whole_process), cmocka_unit_test(test_handler_cannot_run),
        cmocka_unit_test(test_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
