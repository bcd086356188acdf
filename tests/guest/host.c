/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * host COMMAND… : runs the command in a network namespace with a TAP interface called vtest0, and
 * answers each test frame that comes from it. The exit status is the command's; 77 where there can
 * be no TAP interface.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/unit/vmm/tap-host.h"

/* The answer is the frame with each byte of its payload one higher. */
static void answer(const struct tap_host *host)
{
    uint8_t frame[65536];
    struct sockaddr_ll from;
    socklen_t size = sizeof(from);
    ssize_t n =
        recvfrom(host->socket, frame, sizeof(frame), MSG_DONTWAIT, (struct sockaddr *)&from, &size);

    if (n < 14 || from.sll_pkttype == PACKET_OUTGOING)
        return;
    for (ssize_t i = 14; i < n; i++)
        frame[i]++;
    (void)!send(host->socket, frame, (size_t)n, MSG_DONTWAIT);
}

int main(int argc, char **argv)
{
    struct tap_host host;
    int status;

    if (argc < 2)
        return EXIT_FAILURE;
    if (tap_host_enter() < 0 || tap_host_init(&host, "vtest0", false) < 0 || tap_host_up(&host) < 0) {
        fprintf(stderr, "not run: cannot make TAP interfaces here\n");
        return 77;
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        execv(argv[1], argv + 1);
        _exit(127);
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        struct pollfd p = {.fd = host.socket, .events = POLLIN};

        if (poll(&p, 1, 50) > 0)
            answer(&host);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
