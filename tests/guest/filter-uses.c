/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 *   filter-uses FILE COMMAND…
 *
 * Runs COMMAND, which is or starts volt-vmm-traced, and appends to FILE which of the filters' rules
 * its threads made use of, one a line: "KIND CALL (CONDITIONS)". It stands for systemd, too: there
 * is a notification socket, and a watchdog. Each thread is interrupted now and then, as by
 * `systemctl freeze`.
 */
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "vmm/cleanup.h"
#include "vmm/filter.h"

enum {
    RULES_MAX = 1024,
    THREADS_MAX = 256,
    INTERRUPT_USEC = 300000,
};

static bool used[RULES_MAX];
static struct {
    pid_t id;
    bool running;
} threads[THREADS_MAX];
static volatile sig_atomic_t interrupt;

static void ring(int signal _unused_)
{
    interrupt = 1;
}

/* Whether the thread was known. */
static bool know(pid_t id)
{
    unsigned i = 0;

    while (i < THREADS_MAX && threads[i].id != 0 && threads[i].id != id)
        i++;
    if (i == THREADS_MAX)
        return true;
    bool known = threads[i].id == id;
    threads[i].id = id;
    return known;
}

static void interrupt_all(void)
{
    interrupt = 0;
    for (unsigned i = 0; i < THREADS_MAX && threads[i].id != 0; i++)
        (void)syscall(SYS_tkill, threads[i].id, SIGSTOP);
}

/* What a stopped thread goes on with: a signal, or none. */
static int look(pid_t id, int status)
{
    unsigned long rule = 0;
    int signal = WSTOPSIG(status);

    if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
        if (ptrace(PTRACE_GETEVENTMSG, id, 0, &rule) == 0 && rule < RULES_MAX)
            used[rule] = true;
        return 0;
    }
    /* New threads, and those that were interrupted. */
    if (signal == SIGSTOP || signal == SIGTRAP)
        return 0;
    return signal;
}

/* The exit status of the first process. */
static int follow(pid_t first)
{
    pid_t id;
    int status, result = 1;

    while ((id = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
        if (interrupt)
            interrupt_all();
        if (id < 0)
            continue;
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (id == first)
                result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            continue;
        }
        (void)know(id);
        (void)ptrace(PTRACE_CONT, id, 0, look(id, status));
    }
    return result;
}

/* A socket beside PATH that hears and forgets. */
static int make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 1 << 20;
    int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s.notify", path);

    if (n < 0 || (size_t)n >= sizeof(address.sun_path))
        return -1;
    (void)unlink(address.sun_path);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    return setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

static int report(const char *path)
{
    _cleanup_fclose_ FILE *file = fopen(path, "ae");
    unsigned rule = 0;

    if (!file)
        return -errno;
    for (const struct filter *const *filter = filters; *filter; filter++) {
        for (const char *line = (*filter)->text; *line; line = strchr(line, '\n') + 1, rule++)
            if (used[rule])
                (void)fprintf(file, "%s %.*s\n", (*filter)->name, (int)strcspn(line + 2, ":\n"),
                              line + 2);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = ring};
    const struct itimerval often = {{0, INTERRUPT_USEC}, {0, INTERRUPT_USEC}};

    if (argc < 3 || make_socket(argv[1]) < 0 || setenv("WATCHDOG_USEC", "400000", 1) < 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        (void)ptrace(PTRACE_TRACEME, 0, 0, 0);
        (void)raise(SIGSTOP);
        (void)execv(argv[2], argv + 2);
        _exit(127);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid ||
        ptrace(PTRACE_SETOPTIONS, pid, 0,
               PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                   PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL) < 0)
        return 1;
    (void)know(pid);
    (void)sigaction(SIGALRM, &action, NULL);
    (void)setitimer(ITIMER_REAL, &often, NULL);
    (void)ptrace(PTRACE_CONT, pid, 0, 0);
    int result = follow(pid);
    return report(argv[1]) < 0 ? 1 : result;
}
