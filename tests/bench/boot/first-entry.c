// SPDX-License-Identifier: LGPL-2.1-or-later
// first-entry COMMAND… : runs a VMM up to the moment when it first enters a guest, ends it there, and prints what it
// had taken since its execve: wall time, CPU time of all of its threads, user and system apart, in µs, page faults,
// and how much memory it had.
//
// A filter of the kernel's holds the first ioctl(KVM_RUN) and tells us; nothing else of the VMM is slowed, and
// neither tracing nor a guest that can run is needed.
#include <errno.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT_MS = 120 * 1000 };

// What the child knows of the moment before its execve.
struct begin {
    struct timespec wall, cpu;
};

static void die(const char *what)
{
    perror(what);
    exit(125);
}

static double microseconds(struct timespec from, struct timespec to)
{
    return (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3;
}

// hold_first_entry() makes the kernel tell of ioctl(…, KVM_RUN), and returns where it does.
static int hold_first_entry(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, KVM_RUN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        die("PR_SET_NO_NEW_PRIVS");
    int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (fd < 0)
        die("seccomp");
    return fd;
}

static void send_fd(int socket, int fd)
{
    char byte = 0, control[CMSG_SPACE(sizeof(fd))] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);

    *c = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(fd))};
    memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    if (sendmsg(socket, &message, 0) < 0)
        die("sendmsg");
}

static int receive_fd(int socket)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    int fd;

    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0 || !CMSG_FIRSTHDR(&message))
        exit(125);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    return fd;
}

static _Noreturn void run(char **command, int socket, struct begin *begin)
{
    int fd = hold_first_entry();

    send_fd(socket, fd);
    close(fd);
    close(socket);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin->cpu);
    clock_gettime(CLOCK_MONOTONIC, &begin->wall);
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
}

// wait_for_entry() returns when some thread of the VMM is about to enter the guest.
static void wait_for_entry(int listener, pid_t pid)
{
    struct seccomp_notif notification = {0};
    struct pollfd wait = {.fd = listener, .events = POLLIN};

    if (poll(&wait, 1, LIMIT_MS) <= 0 || !(wait.revents & POLLIN) ||
        ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notification) < 0) {
        fprintf(stderr, "It never entered a guest\n");
        kill(pid, SIGKILL);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    struct begin *begin = mmap(NULL, sizeof(*begin), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct timespec wall, cpu;
    struct rusage usage;
    int sockets[2];
    clockid_t clock;

    if (argc < 2 || begin == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
        die("first-entry COMMAND…");
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0)
        run(argv + 1, sockets[1], begin);
    close(sockets[1]);

    int listener = receive_fd(sockets[0]);
    wait_for_entry(listener, pid);
    clock_gettime(CLOCK_MONOTONIC, &wall);
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &cpu) < 0)
        die("the VMM's CPU time");
    kill(pid, SIGKILL);
    if (wait4(pid, NULL, 0, &usage) < 0)
        die("wait4");
    printf("wall_us=%.0f cpu_us=%.0f faults=%ld rss_kib=%ld\n", microseconds(begin->wall, wall),
           microseconds(begin->cpu, cpu), usage.ru_minflt, usage.ru_maxrss);
    return 0;
}
