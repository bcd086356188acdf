/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * host [--queues=N] COMMAND… : runs the command in a network namespace with a TAP interface called
 * vtest0, of several queues where N is more than 1, and serves the frames that come from it: UDP to
 * port 7 goes back with each byte of the payload one higher, checksum and segmentation being asked
 * for as they came; TCP likewise; UDP to port 9 gives orders. The exit status is the command's; 77
 * where there can be no TAP interface.
 */
#include <linux/virtio_net.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/vmm/tap-host.h"

enum {
    PAYLOAD_UDP = 14 + 20 + 8,
    PAYLOAD_TCP = 14 + 20 + 20,
    PORT_ORDERS = 9,
    ANSWERS = 32, /* at once */
    FLOOD = 1,    /* frames a millisecond, for which a payload has time */
    MTU = 9000,
};

/* As the packet socket has it (packet(7), PACKET_VNET_HDR). */
struct packet {
    struct virtio_net_hdr header;
    uint8_t frame[70000];
};

struct host {
    struct tap_host tap;
    int socket;
    pid_t child;
    bool flood;
};

static struct packet packet;

static int open_socket(struct host *host)
{
    struct ifreq request = {.ifr_mtu = MTU};
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_IP),
        .sll_ifindex = (int)if_nametoindex(host->tap.name),
    };
    int one = 1, size = 4 << 20;

    host->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IP));
    (void)snprintf(request.ifr_name, IFNAMSIZ, "%s", host->tap.name);
    if (host->socket < 0 || ioctl(host->socket, SIOCSIFMTU, &request) < 0 ||
        setsockopt(host->socket, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) < 0 ||
        bind(host->socket, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    (void)setsockopt(host->socket, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    return 0;
}

static void send_packet(const struct host *host, size_t n)
{
    (void)!send(host->socket, &packet, sizeof(packet.header) + n, MSG_DONTWAIT);
}

/* Milliseconds of processor time, in the VMM and for it. */
static uint32_t processor_time(pid_t pid)
{
    char path[64], text[1024] = "";
    unsigned long user = 0, system = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n _unused_ = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    const char *end = strrchr(text, ')');
    if (!end ||
        sscanf(end, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return UINT32_MAX;
    return (uint32_t)((user + system) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}

/* Kilobytes that are nobody else's, guest memory left out. */
static uint32_t own_memory(pid_t pid)
{
    char path[64], text[8192] = "";
    unsigned kilobytes = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n _unused_ = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    const char *line = strstr(text, "RssAnon:");
    if (!line || sscanf(line, "RssAnon: %u", &kilobytes) != 1)
        return UINT32_MAX;
    return kilobytes;
}

/* The answer to the order that is in the packet. */
static void measure(struct host *host, size_t n)
{
    const struct timespec settle = {.tv_nsec = 300000000}, second = {.tv_sec = 1};
    uint32_t result[2];

    nanosleep(&settle, NULL);
    uint32_t begin = processor_time(host->child);
    nanosleep(&second, NULL);
    result[0] = processor_time(host->child) - begin;
    result[1] = own_memory(host->child);
    packet.header = (struct virtio_net_hdr){0};
    packet.frame[PAYLOAD_UDP] = 'R';
    memcpy(packet.frame + PAYLOAD_UDP + 4, result, sizeof(result));
    send_packet(host, n);
}

static void obey(struct host *host, size_t n)
{
    uint8_t what = packet.frame[PAYLOAD_UDP];

    if (what == 'M')
        measure(host, n);
    else
        host->flood = what == 'F';
}

static void answer(struct host *host)
{
    struct sockaddr_ll from;
    socklen_t size = sizeof(from);
    ssize_t got = recvfrom(host->socket, &packet, sizeof(packet), MSG_DONTWAIT,
                           (struct sockaddr *)&from, &size);
    const uint8_t *p = packet.frame;

    if (got < (ssize_t)(sizeof(packet.header) + PAYLOAD_TCP) || from.sll_pkttype == PACKET_OUTGOING)
        return;
    size_t n = (size_t)got - sizeof(packet.header);
    if (p[23] == IPPROTO_UDP && (p[36] << 8 | p[37]) == PORT_ORDERS) {
        obey(host, n);
        return;
    }
    packet.header.flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
    for (size_t i = p[23] == IPPROTO_TCP ? PAYLOAD_TCP : PAYLOAD_UDP; i < n; i++)
        packet.frame[i]++;
    send_packet(host, n);
}

static uint64_t milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Frames of all sizes, and of flows that go to all queues. */
static void flood(const struct host *host)
{
    static uint32_t count;
    static uint64_t last;

    if (milliseconds() == last)
        return;
    last = milliseconds();
    packet.header = (struct virtio_net_hdr){0};
    for (unsigned i = 0; i < FLOOD; i++, count++) {
        size_t n = 64 + count * 37 % 1400;

        memset(packet.frame, (int)count, n);
        memcpy(packet.frame, "\xff\xff\xff\xff\xff\xff\x52\x54\0\0\0\1\x08\0\x45\0", 16);
        packet.frame[23] = IPPROTO_UDP;
        send_packet(host, n);
    }
}

static int run(struct host *host, char **command)
{
    int status;

    host->child = fork();
    if (host->child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        execv(command[0], command);
        _exit(127);
    }
    while (waitpid(host->child, &status, WNOHANG) == 0) {
        struct pollfd p = {.fd = host->socket, .events = POLLIN};

        if (poll(&p, 1, host->flood ? 1 : 50) > 0)
            for (unsigned i = 0; i < ANSWERS; i++)
                answer(host);
        if (host->flood)
            flood(host);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    struct host host = {.socket = -EBADF};
    bool several = false;
    int at = 1;

    if (argc > 1 && strncmp(argv[1], "--queues=", 9) == 0)
        several = atoi(argv[at++] + 9) > 1;
    if (argc <= at)
        return EXIT_FAILURE;
    if (tap_host_enter() < 0 || tap_host_init(&host.tap, "vtest0", several) < 0 ||
        tap_host_up(&host.tap) < 0 || open_socket(&host) < 0) {
        fprintf(stderr, "not run: cannot make TAP interfaces here: %m\n");
        return 77;
    }
    return run(&host, argv + at);
}
